import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { asWritten, carriedAlong, plainName, revisionOf } from '../helpers/bytes.ts'
import type { HeldBackend } from '../helpers/held-backend.ts'
import { opened, saved, settled } from '../helpers/opened-store.ts'

// Whoever writes a whole pool carries along what it had read: values that this store has replaced since.

const FIRST = asWritten('{"$rev":"test.1<0","x":1}')

/** As a plain client reads it: with the revision. */
const read = (backend: HeldBackend) => JSON.parse(backend.payload as string)
/** As Python prints JSON. */
const spaced = (pool: object) => JSON.stringify(pool, null, 1).replaceAll(/\n */g, ' ')
const idOf = (payload: string | null | undefined) => revisionOf(payload ?? null)?.id

describe('a client that carries the revision along without knowing it', () => {
  it.each([
    ['as JavaScript prints it', 0, JSON.stringify],
    ['as Python prints it', 0, spaced],
    ['an hour later', 3_600_000, JSON.stringify],
  ])(
    'does not undo what was saved since it had read the pool, %s, and its own change is taken',
    async (_, ms, print) => {
      vi.useFakeTimers({ toFake: ['performance', 'Date'] })
      onTestFinished(() => void vi.useRealTimers())
      const { backend, pt, told } = await opened(
        asWritten('{"$rev":"test.1<0","x":1,"m":{"a":1,"b":[1,2]},"same":{"c":1}}'),
      )
      await saved(pt, 2)
      const pool = read(backend)
      Object.assign(pt, { m: { a: 2, b: [] } })
      await saved(pt, 3)
      vi.advanceTimersByTime(ms)
      backend.foreign(print({ ...pool, y: 9 }))
      await settled(pt)
      const expected = { x: 3, m: { a: 2, b: [] }, same: { c: 1 }, y: 9 }
      expect([{ ...pt }, JSON.parse(backend.text as string)]).toEqual([expected, expected])
      expect(told.stale).toEqual([{ names: expect.toSatisfy((names) => names.toSorted().join() === 'm,x') }])
    },
  )

  it('does not bring back what was removed since, or remove what was added', async () => {
    const { backend, pt, shown } = await opened(FIRST)
    delete pt.x
    await pt.save()
    pt.y = 5
    await pt.save()
    backend.foreign(carriedAlong(FIRST, '{"x":1,"z":0}'))
    await settled(pt)
    expect(shown()).toEqual({ y: 5, z: 0 })
  })

  it('does not undo what was changed since and is not saved yet', async () => {
    const { backend, pt } = await opened(FIRST)
    await saved(pt, 2)
    pt.x = 3
    backend.foreign(carriedAlong(FIRST, '{"x":1,"y":9}'))
    await settled(pt)
    expect({ ...pt }).toEqual({ x: 3, y: 9 })
  })

  it('may be a device that loads its pool once: its lamp goes on, and off again', async () => {
    const { backend, pt, shown } = await opened(asWritten('{"$rev":"test.1<0","x":1,"lamp":0}'))
    const device = read(backend)
    for (let x = 2; x < 1000; x++) await saved(pt, x)
    backend.foreign(JSON.stringify({ ...device, lamp: 1 }))
    await settled(pt)
    expect(shown()).toEqual({ x: 999, lamp: 1 })
    for (let x = 0; x < 10; x++) await saved(pt, x)
    backend.foreign(JSON.stringify({ ...device, lamp: 0 }))
    await settled(pt)
    expect(shown()).toEqual({ x: 9, lamp: 0 })
  })

  it('may go back to an old value when it has read the new one', async () => {
    const { backend, pt, shown, told } = await opened(FIRST)
    await saved(pt, 2)
    await saved(pt, 3)
    backend.foreign(JSON.stringify({ ...read(backend), x: 2 }))
    await settled(pt)
    expect([shown(), told.stale]).toEqual([{ x: 2 }, []])
  })

  it('is told of as stale only where it would have undone something', async () => {
    const { backend, pt, told } = await opened(asWritten('{"$rev":"test.1<0","x":1,"m":{"a":1.5,"b":2}}'))
    await saved(pt, 2)
    backend.foreign(carriedAlong(FIRST, '{ "m":{"b":2, "a":1.50}, "x":2 }'))
    await settled(pt)
    expect([told.stale, told.conflict, backend.writes.length]).toEqual([[], [], 1])
  })

  it('does not undo one of thousands of saves', async () => {
    const { backend, pt } = await opened(FIRST)
    for (let x = 2; x < 3000; x++) await saved(pt, x)
    backend.foreign(carriedAlong(backend.writes[10]?.payload ?? '', '{"x":12,"y":9}'))
    await settled(pt)
    expect({ ...pt }).toEqual({ x: 2999, y: 9 })
  })
})

describe('a pool without a revision', () => {
  it('changes what is in it, and leaves the rest', async () => {
    const { backend, pt, shown } = await opened(asWritten('{"$rev":"test.1<0","x":1,"m":{"a":1}}'))
    await saved(pt, 2)
    await saved(pt, 3)
    backend.foreign('{"x":2}')
    await settled(pt)
    expect(shown()).toEqual({ x: 2, m: { a: 1 } })
  })

  it('leaves the rest also where it comes before the store has written that again', async () => {
    const { backend, pt, shown } = await opened(asWritten('{"$rev":"test.1<0","x":1,"y":1,"z":1}'))
    backend.foreign('{"x":2}')
    backend.foreign('{"y":2}')
    await settled(pt)
    expect(shown()).toEqual({ x: 2, y: 2, z: 1 })
  })

  it('is the change of its writer, who may have dropped the names that it does not know: then a save is undone', async () => {
    const { backend, pt, shown } = await opened(FIRST)
    await saved(pt, 2)
    const { $rev, ...known } = read(backend)
    await saved(pt, 3)
    backend.foreign(JSON.stringify({ ...known, y: 9 }))
    await settled(pt)
    expect(shown()).toEqual({ x: 2, y: 9 })
  })

  it('removes what is missing in it as long as what is held has no revision either', async () => {
    const { backend, pt } = await opened('{"x":1,"z":1}')
    backend.foreign('{"x":2}')
    expect({ ...pt }).toEqual({ x: 2 })
    await saved(pt, 3)
    backend.foreign('{"z":4}')
    await settled(pt)
    expect({ ...pt }).toEqual({ x: 3, z: 4 })
  })

  it.each([
    'somebody.7<somebody.6',
    'somebody.7<somebody.6<somebody.5',
    'test.1',
    'test.1<0<0<0',
    '<',
    '',
    '__proto__.1<__proto__.0',
    `${'x'.repeat(10_000)}.1<0`,
    7,
    null,
    { id: 'test.1' },
  ])('is one whose revision nobody can place or read: %j', async ($rev) => {
    const { backend, pt } = await opened(asWritten('{"$rev":"test.1<0","x":1,"y":1}'))
    await saved(pt, 2)
    await saved(pt, 3)
    backend.foreign(JSON.stringify({ $rev, x: 2 }))
    await settled(pt)
    expect({ ...pt }).toEqual({ x: 2, y: 1 })
    expect(read(backend).$rev).toMatch(/^[0-9a-f]{4}\.\d\.[\da-z]{5}<[^<]*$/)
  })
})

describe('another store', () => {
  it('does not undo what it had not seen, whenever that was', async () => {
    const { backend, pt, shown } = await opened(FIRST)
    await saved(pt, 2)
    const base = idOf(backend.payload)
    await saved(pt, 3)
    backend.foreign(asWritten(`{"$rev":"theirs.1<${base}","x":2,"y":9}`))
    await settled(pt)
    expect(shown()).toEqual({ x: 3, y: 9 })
  })

  it('may go back to what it has seen', async () => {
    const { backend, pt } = await opened(FIRST)
    await saved(pt, 2)
    backend.foreign(asWritten(`{"$rev":"theirs.1<${idOf(backend.payload)}","x":1}`))
    expect(pt.x).toBe(1)
    backend.foreign(asWritten('{"$rev":"theirs.2<theirs.1","x":2}'))
    expect(pt.x).toBe(2)
  })

  it('has seen what the pool of another one had seen that it builds on', async () => {
    const { backend, pt } = await opened(FIRST)
    await saved(pt, 2)
    const base = idOf(backend.payload)
    await saved(pt, 3)
    backend.foreign(asWritten(`{"$rev":"one.4<${base}","x":2,"y":1}`))
    backend.foreign(asWritten('{"$rev":"other.1<one.4","x":2,"y":2}'))
    await settled(pt)
    expect({ ...pt }).toEqual({ x: 3, y: 2 })
    // It has seen both by now, and means it.
    backend.foreign(asWritten(`{"$rev":"other.2<${idOf(backend.payload)}","x":2,"y":2}`))
    expect({ ...pt }).toEqual({ x: 2, y: 2 })
  })

  it('that began with the same pool of a device, which has no revision, does not undo what was saved meanwhile', async () => {
    const { backend, pt, shown } = await opened('{"x":1,"z":1}')
    await saved(pt, 2)
    backend.foreign(asWritten(`{"$rev":"theirs.1<${plainName('{"x":1,"z":1}')}","x":1,"y":9}`))
    await settled(pt)
    expect(shown()).toEqual({ x: 2, y: 9 })
  })

  it('is asked by onConflict where it has changed what an editor wants of this store, too', async () => {
    const { backend, pt, told } = await opened(FIRST, { auto: false, onConflict: 'remote' })
    const answer = backend.request('patch', '{"x":2}')
    const write = await backend.nth(1)
    backend.foreign(asWritten('{"$rev":"theirs.1<test.1","x":3}'))
    backend.auto = true
    write.land('overwritten')
    await answer
    expect([{ ...pt }, told.conflict.length, told.stale]).toEqual([{ x: 3 }, 1, []])
  })

  it('that owns nothing names the last write of the owner: who was away can place it without those between', async () => {
    const { backend, pt, shown } = await opened(FIRST)
    await saved(pt, 2)
    const seen = idOf(backend.payload)
    await saved(pt, 3)
    backend.offline()
    backend.online(asWritten(`{"$rev":"guest.2<unknown.5<${seen}","x":2,"y":9}`))
    await settled(pt)
    expect(shown()).toEqual({ x: 3, y: 9 })
  })
})

it('a store that only reads has nothing of its own: what is held is right', async () => {
  const { backend, pt, told } = await opened(FIRST, { readOnly: true })
  backend.foreign(asWritten('{"$rev":"one.1<test.1","x":2}'))
  backend.foreign(FIRST)
  expect(pt.x).toBe(1)
  backend.reread(asWritten('{"$rev":"one.1<test.1","x":2}'))
  expect([pt.x, told.stale, backend.writes.length]).toEqual([2, [], 0])
})

it('the revision is in the pool alone: no variable, in no copy and no event', async () => {
  const { backend, pt, told } = await opened(FIRST)
  await saved(pt, 2)
  backend.foreign('{"y":1,"$rev":"one.1<0"}')
  await settled(pt)
  expect([pt.find('$rev'), '$rev' in pt, JSON.stringify(pt), pt.$snapshot()]).toEqual([
    undefined,
    false,
    '{"x":2,"y":1}',
    { x: 2, y: 1 },
  ])
  expect(JSON.stringify(told)).not.toContain('rev')
  expect(() => Object.assign(pt, { $rev: 1 })).toThrow()
})
