import { describe, expect, it } from 'vitest'
import type { StoreOptions } from '../../src/store/options.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { type OpenedStore, opened } from '../helpers/opened-store.ts'

const readOnly = expect.objectContaining({ code: 'ERR_PERSIST_READ_ONLY' })

function follow(text: string | null, options: StoreOptions = {}): Promise<OpenedStore> {
  return opened(text, { readOnly: true, ...options })
}

describe('a store that only reads', () => {
  it('a store that only reads refuses every way to change it', async () => {
    const { backend, pt } = await follow('{"a":1}')
    const ways = [() => (pt.a = 2), () => delete pt.a, () => pt.remove('a'), () => pt.zero(true), () => pt.dirty()]
    for (const way of ways) expect(way).toThrow(readOnly)
    await expect(pt.save()).rejects.toEqual(readOnly)
    await pt.$close()
    expect([backend.writes.length, backend.text]).toEqual([0, '{"a":1}'])
  })

  it('a store that only reads refuses changes inside lists and maps, and nothing has changed then', async () => {
    const { pt } = await follow('{"list":[3,1],"map":{"x":1}}')
    const list = pt.list as number[]
    const map = pt.map as Record<string, number>
    const ways = [() => list.push(2), () => (list[0] = 2), () => list.sort(), () => (list.length = 0), () => list.pop()]
    ways.push(
      () => (map.x = 2),
      () => Number(delete map.x),
      () => (map.y = 2),
    )
    for (const way of ways) expect(way).toThrow(readOnly)
    expect({ ...pt }).toEqual({ list: [3, 1], map: { x: 1 } })
  })

  it('a store that only reads shows what is held, whatever was deleted, overwritten or lost in between', async () => {
    const { backend, pt } = await follow('{"a":1,"gone":1}')
    backend.foreign(null)
    expect({ ...pt }).toEqual({ a: 1, gone: 1 })
    backend.foreign('{"a":2}')
    expect({ ...pt }).toEqual({ a: 2 })
    backend.foreign('hello')
    backend.foreign('{"a":3}')
    expect({ ...pt }).toEqual({ a: 3 })
    backend.offline()
    // The broker has an older pool again: a follower shows that, and puts nothing right.
    backend.online('{"a":2}')
    expect({ ...pt }).toEqual({ a: 2 })
    backend.foreign('{"b":1}')
    expect({ ...pt }).toEqual({ b: 1 })
    expect([backend.writes.length, pt.$status.state]).toEqual([0, 'readonly'])
  })

  it('a store that only reads takes an empty place for an empty pool, with nothing of its own, and waits where it is to wait', async () => {
    const { pt } = await follow(null, { defaults: { a: 1 }, version: 2 })
    expect({ ...pt }).toEqual({})
    const backend = new HeldBackend(null)
    const waiting = backend.openers.createStore({ name: 'followed', readOnly: true, empty: 'wait' })
    await new Promise((resolve) => waiting.$on('status', resolve))
    expect(() => waiting.zero()).toThrow(readOnly)
    expect(() => waiting.zero(true)).toThrow(readOnly)
    expect(waiting.ready()).toBe(false)
    backend.foreign('{"a":1}')
    expect([waiting.ready(), waiting.a]).toEqual([true, 1])
    expect(backend.writes).toHaveLength(0)
  })
})
