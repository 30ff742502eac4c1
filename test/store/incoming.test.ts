import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asWritten } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { heard, opened, settled } from '../helpers/opened-store.ts'

describe('somebody else writes', () => {
  it('what only they changed is taken over, what only we changed stays, and is sent by our next save', async () => {
    const { backend, pt } = await opened('{"a":1,"b":1,"gone":1,"same":{"x":1,"y":2}}')
    const changes = heard(pt, 'change')
    pt.b = 2
    backend.foreign('{"a":5,"b":1,"new":[1],"same":{"y":2,"x":1}}')
    expect({ ...pt }).toEqual({ a: 5, b: 2, new: [1], same: { x: 1, y: 2 } })
    expect(changes).toEqual([
      { name: 'b', value: 2, previous: 1, origin: 'local' },
      { name: 'a', value: 5, previous: 1, origin: 'remote' },
      { name: 'gone', value: undefined, previous: 1, origin: 'remote' },
      { name: 'new', value: [1], previous: undefined, origin: 'remote' },
    ])
    expect(backend.writes).toHaveLength(0)
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ a: 5, b: 2, new: [1], same: { x: 1, y: 2 } })
  })

  it('names that every object has are removed like others', async () => {
    const { backend, pt, told } = await opened('{"__proto__":{"a":1},"constructor":1,"toString":2}')
    backend.foreign('{}')
    expect(JSON.stringify(pt)).toBe('{}')
    expect(told.error).toEqual([])
  })

  it('the same values in other words and another order are no change, and nothing is sent', async () => {
    const { backend, pt } = await opened('{"a":1.50,"b":{"c":1,"d":2}}')
    const changes = heard(pt, 'change')
    backend.foreign('{ "b":{"d":2,"c":1}, "a":1.5 }')
    await pt.save()
    expect([changes.length, backend.writes.length]).toEqual([0, 0])
  })

  it('our own change of a variable is told before theirs that is taken in its place', async () => {
    const backend = new HeldBackend('{"n":1}')
    const { pt } = await opened(backend, { onConflict: 'remote' })
    const changes = heard(pt, 'change')
    pt.n = 2
    backend.foreign('{"n":3}')
    expect(changes).toEqual([
      { name: 'n', value: 2, previous: 1, origin: 'local' },
      { name: 'n', value: 3, previous: 2, origin: 'remote' },
    ])
  })

  it('what both sides have changed to the same value does not go back because of who had not seen that', async () => {
    const backend = new HeldBackend(asWritten('{"$rev":"test.1<0","n":1}'))
    const { pt } = await opened(backend)
    pt.n = 2
    backend.foreign(asWritten('{"$rev":"one.1<test.1","n":2}'))
    backend.foreign(asWritten('{"$rev":"other.1<test.1","n":1,"m":9}'))
    await pt.save()
    expect({ ...pt }).toEqual({ n: 2, m: 9 })
    expect(JSON.parse(backend.text ?? '')).toEqual({ n: 2, m: 9 })
  })

  it('what a device has written goes back byte by byte, and is nothing to save', async () => {
    const backend = new HeldBackend('{"a":1}')
    const { pt } = await opened(backend)
    backend.foreign('{"a":1,"t":21.50}')
    expect(pt.$status).toMatchObject({ unsaved: false })
    pt.a = 2
    await pt.save()
    expect(backend.text).toBe('{"a":2,"t":21.50}')
  })

  it.each([
    ['local', 2],
    ['remote', 3],
    [
      ({ base, local, remote }: { base: unknown; local: unknown; remote: unknown }) => [base, local, remote] as never,
      [1, 2, 3],
    ],
  ] as const)('onConflict %s decides where both changed one variable', async (onConflict, result) => {
    const { backend, pt, told } = await opened('{"n":1}', { onConflict })
    pt.n = 2
    backend.foreign('{"n":3}')
    expect(pt.$snapshot()).toEqual({ n: result })
    expect(told.conflict).toEqual([{ name: 'n', local: 2, remote: 3, value: result }])
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ n: result })
  })

  it('a variable that is new to us is taken over, and leaves nothing to save', async () => {
    const { backend, pt } = await opened('{"a":1}')
    backend.foreign('{"a":1,"new":1}')
    expect(pt.new).toBe(1)
    expect(pt.$status).toMatchObject({ unsaved: false })
    await pt.save()
    expect(backend.writes).toHaveLength(0)
  })

  it('an onConflict that throws is told, and ours stays', async () => {
    const { backend, pt, told } = await opened('{"n":1,"m":1}', {
      onConflict: () => {
        throw new Error('mine')
      },
    })
    pt.n = 2
    backend.foreign('{"n":3,"m":4}')
    expect({ ...pt }).toEqual({ n: 2, m: 4 })
    expect(told.error).toMatchObject([{ code: 'ERR_PERSIST_FAILED', cause: { message: 'mine' } }])
  })

  it('a write of ours that lands over theirs is followed by the merge', async () => {
    const { backend, pt } = await opened('{"a":1,"b":1}', { auto: false })
    pt.a = 2
    const saved = pt.save()
    const first = await backend.nth(1)
    backend.foreign('{"a":1,"b":7}')
    first.land()
    await saved
    const second = await backend.nth(2)
    expect(JSON.parse(second.text)).toEqual({ a: 2, b: 7 })
    second.land()
  })

  it('a write of ours that lands over their value of the same variable needs no other write', async () => {
    const backend = new HeldBackend('{"a":1}', { auto: false })
    const { pt } = await opened(backend)
    pt.a = 2
    const saved = pt.save()
    const write = await backend.nth(1)
    backend.foreign('{"a":7}')
    write.land()
    await saved
    expect(pt.$status).toMatchObject({ unsaved: false })
    expect([backend.text, backend.writes.length]).toEqual(['{"a":2}', 1])
  })

  it('what comes while the backend is opening is not lost', async () => {
    const backend = new HeldBackend('{"a":1}')
    const open = backend.open.bind(backend)
    backend.open = async (listener) => {
      const held = await open(listener)
      backend.foreign('{"a":2}')
      return held
    }
    const pt = await backend.openers.openStore({ name: 'early', saveOnExit: false })
    expect(pt.a).toBe(2)
  })

  it.each([
    [null, 'deleted'],
    ['hello', 'overwritten'],
    ['[1,2]', 'overwritten'],
  ] as const)('%s does not destroy a live pool', async (text, reason) => {
    const { backend, pt, told } = await opened('{"a":1}')
    const healed = new Promise((resolve) => pt.$on('heal', resolve))
    backend.foreign(text)
    expect(await healed).toEqual({ reason })
    expect([pt.a, backend.text]).toEqual([1, '{"a":1}'])
    expect(told.error).toHaveLength(text === null ? 0 : 1)
    if (text !== null)
      expect(told.error[0]).toMatchObject({ code: 'ERR_PERSIST_BAD_PAYLOAD', bytes: expect.any(Uint8Array) })
  })

  it.each([null, 'hello'])(
    'while a pool is written again that had become %s: their change of it is no conflict',
    async (text) => {
      const { backend, pt, told } = await opened('{"a":1,"b":1,"c":1}', { auto: false })
      pt.b = 2
      backend.foreign(text)
      // Before ours has landed, and by who found nothing there.
      backend.foreign('{"a":5,"b":5}')
      expect({ ...pt }).toEqual({ a: 5, b: 2, c: 1 })
      // Who had found nothing has carried nothing along.
      expect([told.conflict.map(({ name }) => name), told.stale]).toEqual([['b'], []])
      ;(await backend.nth(1)).land()
      ;(await backend.nth(2)).land()
      await pt.save()
      expect(JSON.parse(backend.text ?? '')).toEqual({ a: 5, b: 2, c: 1 })
    },
  )

  it('a pool without variables that somebody deletes is written again as well', async () => {
    const { backend, pt, told } = await opened('{}')
    backend.foreign(null)
    await settled(pt)
    expect([backend.text, told.heal]).toEqual(['{}', [{ reason: 'deleted' }]])
  })

  it('a store that only reads follows, and never writes', async () => {
    const { backend, pt } = await opened('{"a":1}', { readOnly: true })
    backend.foreign('{"a":2}')
    backend.foreign(null)
    expect([pt.a, pt.$status.state, backend.writes.length]).toEqual([2, 'readonly', 0])
    expect(() => (pt.a = 3)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_READ_ONLY' }))
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_READ_ONLY' })
  })

  it('both sides of random pools survive the merge, but where both changed one variable', async () => {
    const pool = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.oneof(fc.nat(2), fc.array(fc.nat(2), { maxLength: 2 })),
    )
    await fc.assert(
      fc.asyncProperty(pool, pool, pool, async (base, ours, theirs) => {
        const backend = new HeldBackend(JSON.stringify(base))
        const { pt } = await opened(backend)
        for (const name of Object.keys(base)) if (!(name in ours)) delete pt[name]
        Object.assign(pt, ours)
        backend.foreign(JSON.stringify(theirs))
        const text = (value: unknown) => JSON.stringify(value)
        for (const name of ['a', 'b', 'c', 'd']) {
          const weDid = text(ours[name]) !== text(base[name])
          expect(text(pt[name])).toBe(text(weDid ? ours[name] : theirs[name]))
        }
        await pt.save()
        expect(JSON.parse(backend.text ?? '')).toEqual({ ...pt })
        await pt.$close()
      }),
      { numRuns: 300 },
    )
  })
})

describe('the link comes back', () => {
  it.each([null, '{"n":1}'])(
    'a link that comes back to a broker that has lost our last save (it holds %s) gives it to it again',
    async (held) => {
      const { backend, pt, told } = await opened('{"n":1}')
      pt.n = 2
      await pt.save()
      backend.offline()
      const healed = new Promise((resolve) => pt.$on('heal', resolve))
      backend.online(held)
      expect(await healed).toEqual({ reason: 'lost' })
      expect([pt.n, backend.text]).toEqual([2, '{"n":2}'])
      expect(told.status.map(({ state }) => state)).toEqual(['offline', 'ready'])
    },
  )

  it('a link that comes back to what we hold sends nothing', async () => {
    const { backend, told } = await opened('{"n":1}')
    backend.offline()
    backend.online()
    expect([backend.writes.length, told.heal.length]).toEqual([0, 0])
  })

  it('a link that comes back to what somebody else has written merges it with what we changed meanwhile', async () => {
    const { backend, pt } = await opened('{"a":1,"b":1}')
    backend.offline()
    pt.a = 2
    backend.online('{"a":1,"b":3}')
    expect({ ...pt }).toEqual({ a: 2, b: 3 })
    await pt.save()
    expect(JSON.parse(backend.text ?? '')).toEqual({ a: 2, b: 3 })
  })

  it('a write of ours that had landed before the link broke is recognised, and no edit of somebody else', async () => {
    const { backend, pt, told } = await opened('{"n":1}', { auto: false, onConflict: 'remote' })
    pt.n = 2
    const saved = pt.save()
    const first = await backend.nth(1)
    backend.offline()
    first.fail('ERR_PERSIST_CONNECT')
    pt.n = 3
    backend.online(first.payload)
    const second = await backend.nth(2)
    expect(second.text).toBe('{"n":3}')
    second.land()
    await saved
    expect([pt.n, told.conflict.length]).toEqual([3, 0])
  })
})
