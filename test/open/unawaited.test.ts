import { inspect, types } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/format/json.ts'
import { openStore } from '../../src/memory.ts'

const opening = () => openStore({ name: 'unawaited' })
/** What JavaScript makes of it without types. */
const asStore = (promise: unknown) => promise as JsonObject & { save(): void; $status: unknown }

describe('a store whose await was forgotten', () => {
  it('takes no variable, has no members, and says what is missing', async () => {
    const promise = opening()
    const pt = asStore(promise)
    const ways = [
      () => (pt.counter = 1),
      () => (pt.length = 1),
      () => ((pt.counter as number) += 1),
      () => pt.save(),
      () => pt.$status,
      () => Object.assign(pt, { 'two words': 1 }),
    ]
    for (const way of ways) {
      expect(way).toThrow(
        expect.objectContaining({
          code: 'ERR_PERSIST_NOT_READY',
          message: expect.stringContaining('await openStore('),
        }),
      )
    }
    expect(ways[0]).toThrow(/before you use pt\.counter/)
    expect({ ...(await promise) }).toEqual({})
  })

  it('is a promise to all who take it for one', async () => {
    const promise = opening()
    expect([promise instanceof Promise, types.isPromise(promise)]).toEqual([true, true])
    expect([inspect(promise), String(promise)]).toEqual(['Promise { <pending> }', '[object Promise]'])
    expect(JSON.stringify({ promise })).toBe('{"promise":{}}')
    expect(Promise.resolve(promise)).toBe(promise)
    const pt = await promise
    expect(pt.ready()).toBe(true)
    const after = promise.then((store) => store).catch(() => {})
    expect(await after.finally(() => {})).toBe(pt)
    expect(await Promise.all([promise, Promise.race([promise]), Promise.any([promise])])).toEqual([pt, pt, pt])
    expect(Object.keys(promise)).toEqual([])
    // What is made of it is a promise like any other.
    expect(Reflect.get(after, 'counter')).toBe(undefined)
    await pt.$close()
  })

  it('lets React and other tools keep their notes on it', async () => {
    const promise = opening()
    const noted = promise as unknown as Record<string | symbol, unknown>
    const symbol = Symbol('note')
    for (const key of ['status', 'value', '_hidden', symbol]) {
      expect(noted[key]).toBe(undefined)
      noted[key] = 1
      expect(noted[key]).toBe(1)
    }
    expect([noted.$$typeof, noted.asymmetricMatch, noted.nodeType, noted.length]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    await (await promise).$close()
  })

  it('rejects as before where opening fails', async () => {
    await expect(openStore({ name: '+' })).rejects.toMatchObject({ code: 'ERR_PERSIST_OPTION' })
  })
})
