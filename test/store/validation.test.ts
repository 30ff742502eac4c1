import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { StoreOptions } from '../../src/store/options.ts'
import { asWritten, carriedAlong } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'

const schema = z.object({
  low: z.number(),
  high: z.number().default(9),
  label: z.string().optional(),
})
const ordered = schema.refine(({ low, high }) => low <= high, 'low is above high')

const base = { name: 'checked', saveOnExit: false }

async function checked(text: string, options: StoreOptions<never> = { schema } as never) {
  const { backend, pt } = await opened(text, options as StoreOptions)
  const told: string[] = []
  pt.$on('error', ({ code, path }) => told.push(`error ${code} ${path}`))
  pt.$on('change', ({ name, value, origin }) => told.push(`${name} ${JSON.stringify(value)} ${origin}`))
  const healed = new Promise<string>((resolve) => pt.$on('heal', ({ reason }) => resolve(reason)))
  return { backend, pt, told, healed }
}

test('what does not fit is not taken, and put right where it is held; what fits is taken', async () => {
  const { backend, pt, told, healed } = await checked('{"low":1,"high":5}')
  backend.foreign('{"low":"x","high":6,"label":"new"}')
  expect({ ...pt }).toEqual({ low: 1, high: 6, label: 'new' })
  expect(told).toEqual(['error ERR_PERSIST_SCHEMA pt.low', 'high 6 remote', 'label "new" remote'])
  expect(await healed).toBe('invalid')
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 1, high: 6, label: 'new' })
  expect(pt.$status).toMatchObject({ state: 'ready', unsaved: false })
})

test('a variable that must be there cannot be removed', async () => {
  const { backend, pt, told, healed } = await checked('{"low":1,"high":5,"label":"a"}')
  backend.foreign('{"high":5}')
  expect(await healed).toBe('invalid')
  expect({ ...pt }).toEqual({ low: 1, high: 5 })
  expect(told.filter((text) => !text.startsWith('low'))).toEqual([
    'error ERR_PERSIST_SCHEMA pt.low',
    'label undefined remote',
  ])
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 1, high: 5 })
})

test('where the schema does not say which variable is at fault, none of a write is taken', async () => {
  const { backend, pt, healed } = await checked('{"low":1,"high":5}', { schema: ordered } as never)
  backend.foreign('{"low":7,"high":6,"label":"new"}')
  expect(await healed).toBe('invalid')
  expect({ ...pt }).toEqual({ low: 1, high: 5 })
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 1, high: 5 })
})

test('what the schema fills in is filled in, and saved', async () => {
  const { backend, pt } = await checked('{"low":1,"high":5}')
  backend.foreign('{"low":2}')
  expect({ ...pt }).toEqual({ low: 2, high: 9 })
  // By itself.
  await backend.nth(1)
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 2, high: 9 })
})

test('a change of ours that does not fit is no reason to refuse theirs', async () => {
  const { backend, pt, told } = await checked('{"low":1,"high":5}')
  pt.low = 'mine'
  backend.foreign('{"low":1,"high":6}')
  expect({ ...pt }).toEqual({ low: 'mine', high: 6 })
  await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA' })
  pt.low = 3
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 3, high: 6 })
  expect(told).toContain('high 6 remote')
})

test('a change of ours that does not fit does not let in what does not fit of theirs', async () => {
  const { backend, pt } = await checked('{"low":1,"high":5}')
  pt.low = 'mine'
  backend.foreign('{"low":1,"high":"theirs"}')
  expect({ ...pt }).toEqual({ low: 'mine', high: 5 })
  pt.low = 3
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 3, high: 5 })
})

test('a store that only reads tells of a newer version', async () => {
  const { backend, pt, told } = await checked('{"low":1}', { version: 1, readOnly: true } as never)
  backend.foreign('{"other":1,"$version":2}')
  expect(told).toContain('error ERR_PERSIST_SCHEMA undefined')
  expect({ ...pt }).toEqual({ other: 1, $version: 2 })
})

test("onInvalid 'accept' takes and tells what does not fit, and no save is refused for it", async () => {
  const { backend, pt, told } = await checked('{"low":1,"high":5}', { schema, onInvalid: 'accept' } as never)
  backend.foreign('{"low":"x","high":5}')
  backend.foreign('{"low":"y","high":5}')
  expect(pt.low).toBe('y')
  // Once, as long as it is the same.
  expect(told.filter((text) => text.startsWith('error'))).toEqual(['error ERR_PERSIST_SCHEMA pt.low'])
  pt.high = 7
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 'y', high: 7 })
  pt.label = 3
  await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', path: 'pt.label' })
})

test("onInvalid 'accept' opens a pool that does not fit, and tells of it", async () => {
  const backend = new HeldBackend('{"low":"x"}')
  const pt = await backend.openers.openStore({ ...base, schema, onInvalid: 'accept' })
  const error = new Promise((resolve) => pt.$on('error', resolve))
  expect(await error).toMatchObject({ code: 'ERR_PERSIST_SCHEMA', path: 'pt.low' })
  expect({ ...pt }).toEqual({ low: 'x' })
})

test('a store that only reads tells of what does not fit, and sends nothing', async () => {
  const { backend, pt, told } = await checked('{"low":1,"high":5}', { schema, readOnly: true } as never)
  backend.foreign('{"low":"x","high":5}')
  expect([pt.low, backend.writes.length]).toEqual(['x', 0])
  expect(told).toEqual(['error ERR_PERSIST_SCHEMA pt.low', 'low "x" remote'])
})

test('the version of the pool is nobody else’s to change', async () => {
  const { backend, pt, told } = await checked('{"a":1,"$version":2}', { version: 2 })
  backend.foreign('{"a":2}')
  expect({ ...pt }).toEqual({ a: 2, $version: 2 })
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ a: 2, $version: 2 })
  backend.foreign('{"b":3,"$version":3}')
  expect({ ...pt }).toEqual({ a: 2, $version: 2 })
  expect(told).toContain('error ERR_PERSIST_SCHEMA undefined')
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ a: 2, $version: 2 })
})

test('a newer program that goes on writing the pool is left alone with it', async () => {
  const { backend, pt, told } = await checked('{"low":1,"$version":1}', { version: 1 } as never)
  const states: string[] = []
  pt.$on('status', ({ state }) => states.push(state))
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    backend.foreign(`{"target":${attempt},"$version":2}`)
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ low: 1, $version: 1 })
  }
  // Then it is no mistake of somebody's.
  const { length } = backend.writes
  backend.foreign('{"target":6,"$version":2}')
  expect(states.at(-1)).toBe('readonly')
  expect(backend.isClosed).toBe(true)
  expect(told.filter((one) => one.startsWith('error'))).toHaveLength(6)
  expect(() => Object.assign(pt, { low: 2 })).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_SCHEMA' }))
  await pt.$close()
  expect(backend.writes).toHaveLength(length)
})

test('a newer version that is written now and then, and not again and again, does not end the store', async () => {
  const { backend, pt } = await opened('{"low":1,"$version":1}', { version: 1 } as never)
  for (const low of [2, 3]) {
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      backend.foreign(`{"target":${attempt},"$version":2}`)
      await pt.save()
    }
    backend.foreign(`{"low":${low},"$version":1}`)
  }
  expect(pt.$status.state).toBe('ready')
  expect({ ...pt }).toEqual({ low: 3, $version: 1 })
})

test.each(['{"low":1,"$version":1}', asWritten('{"$rev":"test.1<0","low":1,"$version":1}')])(
  'a store that leaves the pool to a newer program does not save what that one has undone, nor tell that it is late (%s)',
  async (first) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { backend, pt, told } = await checked(first, { version: 1 } as never)
    pt.low = 2
    await pt.save()
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      backend.foreign(carriedAlong(first, '{"low":1,"target":1,"$version":2}'))
      await pt.save().catch(() => {})
    }
    expect(pt.$status.state).toBe('readonly')
    const { length } = told
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toHaveLength(length)
    vi.useRealTimers()
  },
)

test('a store that only reads takes another version as it is, and sends nothing', async () => {
  const { backend, pt } = await opened('{"low":1,"$version":2}', { version: 2, readOnly: true } as never)
  backend.foreign('{"low":1,"$version":1}')
  expect({ ...pt }).toEqual({ low: 1, $version: 1 })
  expect(backend.writes).toHaveLength(0)
})

test("onInvalid 'accept': what others have put right again is not to be made wrong here", async () => {
  const { backend, pt } = await opened('{"low":1,"high":5}', { schema, onInvalid: 'accept' } as never)
  backend.foreign('{"low":"x","high":5}')
  backend.foreign('{"low":1,"high":5}')
  pt.low = 'x'
  await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_SCHEMA', path: 'pt.low' })
  expect(JSON.parse(backend.text ?? '')).toEqual({ low: 1, high: 5 })
})
