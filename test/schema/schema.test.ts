import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { StandardSchema } from '../../src/schema/schema.ts'
import { carriedAlong } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'

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
  it('a schema checks a pool when it is opened, and fills in', async () => {
    const { pt } = await opened('{"other":1}', { schema: counting })
    expect({ ...pt }).toEqual({ other: 1, counter: 0 })
    const bad = new HeldBackend('{"counter":"7"}')
    await expect(opened(bad, { schema: counting })).rejects.toMatchObject({
      code: 'ERR_PERSIST_SCHEMA',
      path: 'pt.counter',
    })
    expect([bad.text, bad.writes.length]).toEqual(['{"counter":"7"}', 0])
  })

  it('a schema keeps what does not fit from being saved, and from being lost', async () => {
    const { backend, pt } = await opened('{"counter":1}', { schema: counting })
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
  it('a schema fills in, refuses with the path, and lets through what fits', async () => {
    const backend = new HeldBackend('{"tags":["a"]}')
    const pt = await backend.openers.openStore({ ...options, schema })
    pt.$on('error', () => {})
    expect(pt.counter).toBe(7)
    pt.tags?.push(1 as never)
    await expect(pt.save()).rejects.toMatchObject({
      code: 'ERR_PERSIST_SCHEMA',
      path: 'pt.tags[1]',
      issues: [{ path: 'pt.tags[1]', message: expect.stringMatching(/string/) }],
    })
    Object.assign(pt.tags ?? [], { 1: 'b' })
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ tags: ['a', 'b'], counter: 7 })
  })
})

it.each([
  ['zod', z.object({ map: z.object({ a: z.number().default(1) }), list: z.array(z.object({ b: z.boolean() })) })],
  [
    'valibot',
    v.object({ map: v.object({ a: v.optional(v.number(), 1) }), list: v.array(v.object({ b: v.boolean() })) }),
  ],
])('what a schema of %s does not name stays, at the save and at the next start', async (_, schema) => {
  const backend = new HeldBackend('{"map":{},"list":[]}')
  const first = await backend.openers.openStore({ ...options, schema })
  Object.assign(first, { note: 'keep me', map: { a: 2, c: 3 }, list: [{ b: true, d: null }] })
  await first.save()
  const all = { map: { a: 2, c: 3 }, list: [{ b: true, d: null }], note: 'keep me' }
  expect(JSON.parse(backend.text ?? '')).toEqual(all)
  await first.$close()
  const second = await backend.openers.openStore({ ...options, schema })
  expect({ ...second }).toEqual(all)
  // Another writer's are coerced in the same way.
  backend.foreign(carriedAlong(backend.payload, '{"map":{"e":4},"list":[],"note":"theirs","more":1}'))
  expect({ ...second }).toEqual({ map: { a: 1, e: 4 }, list: [], note: 'theirs', more: 1 })
  await second.$close()
})

it('what a strict schema does not name is refused at the save, and where editors ask for it', async () => {
  const { backend, pt } = await opened('{"a":1}', { schema: z.strictObject({ a: z.number() }) })
  expect(await backend.request('patch', '{"note":1}')).toMatchObject({ error: { code: 'ERR_PERSIST_SCHEMA' } })
  pt.note = 'not mine'
  await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA' })
  expect(backend.text).toBe('{"a":1}')
})

it("a schema's error tells three issues in its message, and has all of them", async () => {
  const backend = new HeldBackend('{"a":1,"b":1,"c":1,"d":1}')
  const schema = z.object({ a: z.string(), b: z.string(), c: z.string(), d: z.string() })
  const error = await backend.openers.openStore({ ...options, schema }).catch((thrown) => thrown)
  expect(error.issues.map(({ path }: { path: string }) => path)).toEqual(['pt.a', 'pt.b', 'pt.c', 'pt.d'])
  expect(error.message).toMatch(/pt\.a: .*; pt\.b: .*; pt\.c: .* \(and 1 more\)/)
})

const throwing: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate() {
      throw new Error('mine')
    },
  },
}

it.each<[string, StandardSchema<unknown>, RegExp]>([
  ['throws', throwing, /the schema has thrown: mine/],
  ['answers later', z.object({}).refine(async () => true), /asynchronously/],
])('a schema that %s is an error of opening', async (_, schema, message) => {
  const backend = new HeldBackend('{"a":1}')
  await expect(backend.openers.openStore({ ...options, schema: schema as StandardSchema })).rejects.toMatchObject({
    code: 'ERR_PERSIST_SCHEMA',
    message: expect.stringMatching(message),
  })
})

it('the variables have the types of the schema', async () => {
  const { openers } = new HeldBackend('{}')
  const schema = z.object({ counter: z.number().default(0), mode: z.enum(['eco', 'warm']).optional() })
  const pt = await openers.openStore({ ...options, schema, defaults: { mode: 'eco' } })
  expectTypeOf(pt.counter).toEqualTypeOf<number>()
  expectTypeOf(pt.mode).toEqualTypeOf<'eco' | 'warm' | undefined>()
  const withValibot = () => openers.openStore({ ...options, schema: v.object({ tags: v.array(v.string()) }) })
  expectTypeOf<Awaited<ReturnType<typeof withValibot>>['tags']>().toEqualTypeOf<string[]>()
  const x = z.object({ x: z.string() })
  // @ts-expect-error a schema for other variables than these
  const wrong = () => openers.openStore<{ x: number }>({ ...options, schema: x })
  // @ts-expect-error no variable can be called so
  const reserved = () => openers.openStore({ ...options, schema: z.object({ save: z.string() }) })
  expect([wrong, reserved, pt.mode]).toHaveLength(3)
  await pt.$close()
})

it.each([
  ['a text', z.any().transform(() => 'hello')],
  ['a list', z.any().transform(() => [1])],
  ['a Date', z.any().transform(() => new Date(0))],
])('a schema that makes %s of the variables is of no use', async (_, schema) => {
  const opening = new HeldBackend('{"a":1}').openers.openStore({ ...options, schema: schema as never })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', message: /no object/ })
})
