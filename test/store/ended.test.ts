import { describe, expect, it } from 'vitest'
import { PersistError } from '../../src/runtime/errors.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'

const gone = () => new PersistError('ERR_PERSIST_TAKEN_OVER', 'taken', { store: 'lost' })

describe('a store whose backend has ended', () => {
  it('a store that was taken over rejects every save, also the one under way, with what was not saved', async () => {
    const { backend, pt, told } = await opened('{"a":1,"b":1}', { auto: false })
    pt.a = 2
    const saves = [pt.save()]
    pt.list = [1]
    saves.push(pt.save())
    backend.offline(gone())
    backend.ended(gone())
    for (const save of [...saves, pt.save()]) {
      await expect(save).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER', unsaved: { a: 2, list: [1] } })
    }
    // The write that was under way ends after all, as a link that was lost.
    backend.writes[0]?.fail('ERR_PERSIST_CONNECT')
    await pt.$close()
    // Once, and once more for the save() after it.
    expect(told.error.map(({ code }) => code)).toEqual(['ERR_PERSIST_TAKEN_OVER', 'ERR_PERSIST_TAKEN_OVER'])
    expect(backend.writes).toHaveLength(1)
    expect({ ...pt }).toEqual({ a: 2, b: 1, list: [1] })
  })

  it.each(['overwritten', 'superseded'] as const)(
    'a store that was taken over does not take up again a write that was %s',
    async (outcome) => {
      const { backend, pt, told } = await opened('{"a":1}', { auto: false, saveTimeoutMs: 20 })
      pt.a = 2
      const save = pt.save()
      const write = await backend.nth(1)
      backend.ended(gone())
      await expect(save).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER' })
      write.land(outcome)
      // The time of that save is over, and whatever would be left of it tells so.
      await new Promise((resolve) => setTimeout(resolve, 40))
      expect(told.error.map(({ code }) => code)).toEqual(['ERR_PERSIST_TAKEN_OVER'])
    },
  )

  it('a store that was taken over cannot be changed any more, not deep in lists either, and says why', async () => {
    const { backend, pt } = await opened('{"list":[1]}', { auto: false, autosave: { delayMs: 1 }, saveEvery: 5 })
    backend.ended(gone())
    const list = pt.list as number[]
    const ways = [() => (pt.a = 1), () => delete pt.list, () => pt.zero(true), () => pt.dirty(), () => list.push(2)]
    for (const way of ways)
      expect(way).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_TAKEN_OVER', unsaved: {} }))
    expect([pt.ready(), pt.$status.state, pt.$snapshot()]).toEqual([true, 'readonly', { list: [1] }])
    const whereItIsThrown = () => pt.zero(true)
    expect(whereItIsThrown).toThrow(expect.objectContaining({ stack: expect.stringContaining('whereItIsThrown') }))
    await pt.$close()
    expect(backend.writes).toHaveLength(0)
  })

  it('a store that was taken over before there was anything to read has failed', async () => {
    const backend = new HeldBackend(null)
    const pt = backend.openers.createStore({ name: 'lost', empty: 'wait' })
    pt.$on('error', () => {})
    const never = pt.exec(() => {})
    await new Promise((resolve) => pt.$on('status', resolve))
    backend.ended(gone())
    await expect(never).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER' })
    expect([pt.$status.state, backend.isClosed]).toEqual(['failed', true])
  })
})
