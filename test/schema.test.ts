import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { StandardSchema } from '../src/schema.ts'
import { HeldBackend } from './helpers/held-backend.ts'

/** A hand-written Standard Schema: `counter` is a number from 0, which is there even if it is not. */
const counting: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { counter = 0, ...others } = value as { counter?: unknown }
      if (typeof counter === 'number' && counter >= 0) return { value: { ...others, counter } }
      return { issues: [{ message: 'must be a number from 0', path: ['counter'] }] }
    },
  },
}

const options = { name: 'schema', saveOnExit: false }

describe('schema', () => {
  it('checks a pool when it is opened, and fills in', async () => {
    const backend = new HeldBackend('{"other":1}')
    const pt = await backend.openers.openStore({ ...options, schema: counting })
    expect({ ...pt }).toEqual({ other: 1, counter: 0 })
    const bad = new HeldBackend('{"counter":"7"}')
    await expect(bad.openers.openStore({ ...options, schema: counting })).rejects.toMatchObject({
      code: 'ERR_PERSIST_SCHEMA',
      path: 'pt.counter',
    })
    expect([bad.text, bad.writes.length]).toEqual(['{"counter":"7"}', 0])
  })

  it('keeps what does not fit from being saved, and from being lost', async () => {
    const backend = new HeldBackend('{"counter":1}')
    const pt = await backend.openers.openStore({ ...options, schema: counting })
    pt.$on('error', () => {})
    pt.counter = -1
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA' })
    expect([pt.counter, backend.text]).toEqual([-1, '{"counter":1}'])
    pt.counter = 2
    await pt.save()
    expect(backend.text).toBe('{"counter":2}')
  })
})

describe.each([
  ['zod', z.object({ counter: z.number().min(0).default(7), tags: z.array(z.string()).optional() })],
  [
    'valibot',
    v.object({ counter: v.optional(v.pipe(v.number(), v.minValue(0)), 7), tags: v.optional(v.array(v.string())) }),
  ],
])('a schema of %s', (_, schema) => {
  it('fills in, refuses with the path, and lets through what fits', async () => {
    const backend = new HeldBackend('{"tags":["a"]}')
    const pt = await backend.openers.openStore({ ...options, schema })
    pt.$on('error', () => {})
    expect(pt.counter).toBe(7)
    pt.tags.push(1)
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', path: 'pt.tags[1]' })
    pt.tags[1] = 'b'
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ tags: ['a', 'b'], counter: 7 })
  })
})

describe('version and migrate', () => {
  const migrate = (variables: { [name: string]: unknown }, from: number) =>
    ({ ...variables, count: variables.counter ?? null, from }) as never

  it('brings an old pool to today once', async () => {
    const backend = new HeldBackend('{"counter":3}')
    const first = await backend.openers.openStore({ ...options, version: 2, migrate })
    expect({ ...first }).toMatchObject({ count: 3, from: 1 })
    await first.$close()
    expect(JSON.parse(backend.text ?? '')).toEqual({ counter: 3, count: 3, from: 1, $version: 2 })
    const again = await backend.openers.openStore({ ...options, version: 2, migrate: () => ({ wrong: true }) })
    expect(again.find('$version')).toBe(2)
    expect(again.wrong).toBeUndefined()
  })

  it('notes the version of a new pool', async () => {
    const backend = new HeldBackend()
    const pt = await backend.openers.openStore({ ...options, version: 3 })
    pt.a = 1
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ a: 1, $version: 3 })
  })

  it.each([
    ['{"$version":9}', /version 9 of the program, this is 2/],
    ['{"a":1}', /pass migrate/],
  ])('leaves %s as it is, which it cannot bring to today', async (text, message) => {
    const backend = new HeldBackend(text)
    const opening = backend.openers.openStore({ ...options, version: 2 })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', message: expect.stringMatching(message) })
    expect([backend.text, backend.writes.length, backend.isClosed]).toEqual([text, 0, true])
  })

  it('a migrate that throws is an error of opening', async () => {
    const backend = new HeldBackend('{"a":1}')
    const broken = () => {
      throw new Error('mine')
    }
    await expect(backend.openers.openStore({ ...options, version: 2, migrate: broken })).rejects.toMatchObject({
      code: 'ERR_PERSIST_FAILED',
      cause: { message: 'mine' },
    })
  })
})
