import { expect, it } from 'vitest'
import { asWritten, carriedAlong } from '../helpers/bytes.ts'
import { opened, saved, settled } from '../helpers/opened-store.ts'

// Links break, brokers lose something, and writes are not answered: what is old then, and what was lost.

const FIRST = asWritten('{"$rev":"test.1<0","x":1}')

/** A store that has sent x = 2, and had no answer. */
async function unanswered(options: Parameters<typeof opened>[1] = {}) {
  const store = await opened(FIRST, options)
  const { backend, pt } = store
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  write.fail('ERR_PERSIST_DENIED')
  await expect(save).rejects.toThrow('on purpose')
  backend.auto = true
  return { ...store, write }
}

it('an older pool is replaced by what was lost', async () => {
  const { backend, pt, shown, told } = await opened(FIRST)
  await saved(pt, 2)
  backend.offline()
  backend.online(FIRST)
  await settled(pt)
  expect([shown(), told.heal, told.stale]).toEqual([{ x: 2 }, [{ reason: 'lost' }], []])
})

it('an older pool is recognised that somebody has changed', async () => {
  const { backend, pt, shown } = await opened(FIRST)
  await saved(pt, 2)
  backend.offline()
  backend.online(carriedAlong(FIRST, '{"x":1,"y":9}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
})

it.each([FIRST, '{"x":1}'])(
  'so is what a plain client had written, who carries along what it finds (%s)',
  async (first) => {
    const { backend, pt, shown } = await opened(first)
    backend.foreign(carriedAlong(first, '{"x":1,"y":9}'))
    backend.offline()
    backend.online(first)
    await settled(pt)
    expect(shown()).toEqual({ x: 1, y: 9 })
  },
)

it('what was held before the backend lost some saves is old', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  await saved(pt, 2)
  const second = backend.payload
  backend.offline()
  pt.x = 3
  backend.online('{"x":1}')
  await settled(pt)
  backend.foreign(carriedAlong(second, '{"x":2,"y":9}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 3, y: 9 })
})

it('what was held before somebody wrote a value that ours was kept against is old', async () => {
  const { backend, pt, shown, told } = await opened(FIRST)
  pt.x = 2
  backend.foreign(asWritten('{"$rev":"theirs.1<test.1","x":7}'))
  await settled(pt)
  backend.foreign(asWritten('{"$rev":"others.1<test.1","x":1,"y":9}'))
  await settled(pt)
  expect([shown(), told.conflict.length]).toEqual([{ x: 2, y: 9 }, 1])
})

it.each(['guest.1<0<0', 'guest.2<guest.1<0'])(
  'what guests write where all was lost is a change (%s)',
  async (revision) => {
    const { backend, pt, shown } = await opened('{"x":1,"y":1}')
    await saved(pt, 2)
    backend.offline()
    backend.online(asWritten(`{"$rev":"${revision}","x":7}`))
    await settled(pt)
    expect(shown()).toEqual({ x: 7, y: 1 })
  },
)

it('a save that was never answered, and has arrived, is no change of who has read it', async () => {
  const { backend, pt, write } = await unanswered({ onConflict: 'remote' })
  pt.x = 1
  backend.foreign(carriedAlong(write.payload, '{"x":2,"y":9}'))
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 1, y: 9 })
})

it('what somebody has changed in a save that was never answered is not undone where the broker keeps that save', async () => {
  const { backend, pt, shown, write } = await unanswered()
  backend.foreign(carriedAlong(write.payload, '{"x":2,"y":9}'))
  backend.reread(write.payload)
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
})

it('a save that was never answered, and arrives as it is wanted, is nothing stale', async () => {
  const { backend, pt, told, write } = await unanswered()
  backend.foreign(write.payload)
  await settled(pt)
  expect([pt.x, told.stale, told.conflict]).toEqual([2, [], []])
})

it('a save that was never answered, and what went back after it, changes nothing about what older pools had', async () => {
  const first = asWritten('{"$rev":"test.1<0","x":1,"y":1}')
  const { backend, pt, shown } = await opened(first)
  backend.auto = false
  pt.y = 5
  const save = pt.save()
  ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
  await expect(save).rejects.toThrow('on purpose')
  pt.y = 1
  backend.auto = true
  await saved(pt, 2)
  pt.y = 2
  await pt.save()
  backend.foreign(carriedAlong(first, '{"x":1,"y":1,"z":9}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 2, z: 9 })
})

it('a save that was never answered, and is held when the link is back, is nothing that was lost', async () => {
  const { backend, pt, shown, told, write } = await unanswered()
  pt.x = 3
  backend.offline()
  backend.online(write.payload)
  await settled(pt)
  expect([shown(), told.heal, told.conflict]).toEqual([{ x: 3 }, [], []])
})

it('a save that arrives after a newer one does not undo that', async () => {
  const { backend, pt, shown, told, write } = await unanswered()
  await saved(pt, 3)
  backend.foreign(write.payload)
  await settled(pt)
  expect([shown(), told.heal]).toEqual([{ x: 3 }, []])
})

it('a save that another writer has written over at once is known to who had read it in between', async () => {
  const { backend, pt, shown } = await opened(FIRST)
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  backend.foreign(asWritten('{"$rev":"one.1<test.1","x":1,"y":9}'))
  backend.auto = true
  write.land('overwritten')
  await save
  await saved(pt, 3)
  backend.foreign(carriedAlong(write.payload, '{"x":2,"z":9}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 3, y: 9, z: 9 })
})

it('the merge is sent once more where the broker keeps another message than the last one seen', async () => {
  const { backend, pt, shown, told } = await opened(FIRST)
  await saved(pt, 2)
  const ours = backend.payload
  const theirs = carriedAlong(ours, '{"x":2,"y":9}')
  backend.foreign(theirs)
  // What is kept is our write after all, from before theirs.
  backend.reread(ours)
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
  // And this time another one, from before ours.
  backend.reread(carriedAlong(FIRST, '{"x":1,"y":7}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 7 })
  expect([told.heal, told.stale]).toEqual([[], [{ names: ['x'] }]])
})
