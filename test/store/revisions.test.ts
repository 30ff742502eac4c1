import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Stamp } from '../../src/contracts/backend.ts'
import { startedStore } from '../../src/open/open-store.ts'
import type { Guards } from '../../src/store/options.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened, saved, settled } from '../helpers/opened-store.ts'

// Whoever writes a whole pool carries along what it had read: values that this store has replaced since.

afterEach(() => void vi.useRealTimers())

it('what a stale writer carries along does not undo a save, and its own change is taken', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  await saved(pt, 2)
  backend.foreign('{"x":1,"y":9}')
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 2, y: 9 })
  expect(shown()).toEqual({ x: 2, y: 9 })
})

it('what a stale writer carries along does not bring back what was removed, or remove what was added', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  delete pt.x
  await pt.save()
  pt.y = 5
  await pt.save()
  backend.foreign('{"x":1,"z":0}')
  await settled(pt)
  expect(shown()).toEqual({ y: 5, z: 0 })
})

it('what a stale writer carries along does not undo what was changed and not saved', async () => {
  const { backend, pt } = await opened('{"x":1}')
  await saved(pt, 2)
  pt.x = 3
  backend.foreign('{"x":1,"y":9}')
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 3, y: 9 })
})

it('a value that was replaced a while ago may be brought back by anybody', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { backend, pt } = await opened('{"x":1}')
  await saved(pt, 2)
  vi.advanceTimersByTime(5001)
  backend.foreign('{"x":1}')
  expect(pt.x).toBe(1)
})

it('somebody else is free to go back to a value of their own', async () => {
  const { backend, pt } = await opened('{"x":1}')
  backend.foreign('{"x":2}')
  backend.foreign('{"x":1}')
  expect(pt.x).toBe(1)
})

it('values do not grow older while the link is gone: what the broker has lost is no edit', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { backend, pt, shown } = await opened('{"x":1}')
  await saved(pt, 2)
  backend.offline()
  vi.advanceTimersByTime(60_000)
  // The broker was killed, came back with an older pool, and somebody has changed that.
  backend.online('{"x":1,"y":9}')
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
})

it('a stamp tells what its writer had not seen: that is old after any time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { backend, pt, shown } = await opened('{"x":1}')
  await saved(pt, 2)
  const { stamp } = backend.writes[0] as { stamp: Stamp }
  await saved(pt, 3)
  vi.advanceTimersByTime(3_600_000)
  backend.foreign('{"x":2,"y":9}', { writer: 'theirs', revision: 1, base: `${stamp.writer}.${stamp.revision}` })
  await settled(pt)
  expect(shown()).toEqual({ x: 3, y: 9 })
})

it('an editor whose stamp says that it has seen the new value may go back to the old one at once', async () => {
  const { backend, pt } = await opened('{"x":1}')
  await saved(pt, 2)
  const { stamp } = backend.writes[0] as { stamp: Stamp }
  backend.foreign('{"x":1}', { writer: 'theirs', revision: 1, base: `${stamp.writer}.${stamp.revision}` })
  expect(pt.x).toBe(1)
})

it('what a writer has seen is known through the stamps of others that it builds on', async () => {
  const { backend, pt } = await opened('{"x":1}')
  await saved(pt, 2)
  const { stamp } = backend.writes[0] as { stamp: Stamp }
  await saved(pt, 3)
  // One editor has seen x = 2; another one builds on that one.
  backend.foreign('{"x":2,"y":1}', { writer: 'one', revision: 4, base: `${stamp.writer}.${stamp.revision}` })
  backend.foreign('{"x":2,"y":2}', { writer: 'other', revision: 1, base: 'one.4' })
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 3, y: 2 })
  // It has seen both by now, and means it.
  const last = backend.writes.at(-1)?.stamp as Stamp
  expect(last.base).toBe('other.1')
  backend.foreign('{"x":2,"y":2}', { writer: 'other', revision: 2, base: `${last.writer}.${last.revision}` })
  expect({ ...pt }).toEqual({ x: 2, y: 2 })
})

it.each(['somebody.7', '.', '', 'x'.repeat(10_000), '__proto__.1'])(
  'a stamp that nobody can place is as good as none: %j',
  async (base) => {
    const { backend, pt } = await opened('{"x":1}')
    await saved(pt, 2)
    backend.foreign('{"x":1}', { writer: 'theirs', revision: Number.NaN, base })
    await settled(pt)
    expect(pt.x).toBe(2)
  },
)

it('a save that was never answered is no edit of whoever has seen it', async () => {
  const { backend, pt } = await opened('{"x":1}', { onConflict: 'remote' })
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
  await expect(save).rejects.toThrow('on purpose')
  // It has arrived all the same; an editor read it, and changed something else.
  pt.x = 1
  backend.auto = true
  backend.foreign('{"x":2,"y":9}')
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 1, y: 9 })
})

it('a save that arrives after a newer one was confirmed does not undo that one', async () => {
  const { backend, pt, shown, told } = await opened('{"x":1}')
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
  await expect(save).rejects.toThrow('on purpose')
  backend.auto = true
  await saved(pt, 3)
  backend.foreign('{"x":2}')
  await settled(pt)
  expect(shown()).toEqual({ x: 3 })
  expect(told.heal).toEqual([])
})

it('the merge is sent once more where the broker keeps another message than the last one seen', async () => {
  const { backend, pt, shown, told } = await opened('{"x":1}')
  await saved(pt, 2)
  backend.foreign('{"x":2,"y":9}')
  // What is kept is our write after all, from before theirs.
  backend.reread('{"x":2}')
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
  // And this time theirs.
  backend.reread('{"x":1,"y":7}')
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 7 })
  expect(told.heal).toEqual([])
})

it('a store that only reads has nothing of its own: what is held is right', async () => {
  const { backend, pt } = await opened('{"x":1}', { readOnly: true })
  backend.foreign('{"x":2}')
  backend.foreign('{"x":1}')
  expect(pt.x).toBe(1)
  backend.reread('{"x":2}')
  expect(pt.x).toBe(2)
})

it('old values are remembered within bounds, the newest longest', async () => {
  const { backend, pt } = await opened('{"x":0,"y":0}')
  const large = (fill: string) => fill.repeat(300_000)
  for (const fill of ['a', 'b', 'c', 'd', 'e']) {
    Object.assign(pt, { text: large(fill) })
    await pt.save()
  }
  // Five of 300,000 characters are more than are remembered.
  backend.foreign(JSON.stringify({ x: 0, y: 0, text: large('d') }))
  await settled(pt)
  expect(pt.find('text')).toBe(large('e'))
  backend.foreign(JSON.stringify({ x: 0, y: 0, text: large('a') }))
  expect(pt.find('text')).toBe(large('a'))
})

const ALONE: Guards = { isOwned: () => false }

/** An editor's store that has been asked, and whose write is on its way. */
async function asked(text: string, guards: Guards = ALONE) {
  const backend = new HeldBackend(text, { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, guards)
  core.context.events.on('error', () => {})
  const answer = backend.request('patch', '{"y":2}')
  const first = await backend.nth(1)
  /** Lets everything land from now on, and tells what is held in the end. */
  const settled = async () => {
    backend.auto = true
    await answer
    await core.close()
    return JSON.parse(backend.text ?? '')
  }
  return { backend, core, answer, first, settled }
}

/** The same, whose write has landed over somebody's x, and who is passing that on. */
async function passingOn(text: string, guards?: Guards) {
  const editor = await asked(text, guards)
  editor.backend.foreign('{"x":5,"y":1}')
  editor.first.land()
  return { ...editor, second: await editor.backend.nth(2) }
}

describe('an editor that writes a pool itself', () => {
  it('guards what it was asked to change, and nothing else', async () => {
    const { backend, core, answer, first, settled } = await asked('{"x":1,"y":1}')
    first.land()
    await answer
    backend.auto = true
    backend.foreign('no pool')
    await core.save()
    expect(backend.text).toBe('{"x":1,"y":2}')
    // Somebody removes x, and has an old y.
    backend.foreign('{"y":1,"z":9}')
    expect(await settled()).toEqual({ y: 2, z: 9 })
  })

  it('does not bring back what somebody removes while a lost pool is being sent again', async () => {
    const { backend, first, settled } = await asked('{"x":1}')
    backend.foreign('no pool')
    backend.foreign('{"z":9}')
    backend.auto = true
    first.land('overwritten')
    expect(await settled()).toEqual({ y: 2, z: 9 })
  })

  it('takes what somebody makes of everything else, also while a lost pool is being sent again', async () => {
    const { backend, settled } = await asked('{"x":1,"y":1}')
    for (const n of [1, 2]) {
      const write = await backend.nth(n)
      backend.foreign('no pool')
      write.land('overwritten')
    }
    const third = await backend.nth(3)
    backend.foreign('{"x":7,"y":1}')
    backend.auto = true
    third.land('overwritten')
    expect(await settled()).toEqual({ x: 7, y: 2 })
  })

  it('passes on what somebody else has written while its own write was under way', async () => {
    const { backend, second, settled } = await passingOn('{"x":1,"y":1}')
    // A third one builds on the first write, before the merge is there.
    backend.foreign('{"x":1,"y":2,"z":9}')
    backend.auto = true
    second.land()
    expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
  })

  it('guards what it has passed on until it is closed: others may be about to write who had not seen it', async () => {
    const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}')
    second.land()
    await answer
    backend.auto = true
    backend.foreign('{"x":1,"y":2,"z":9}')
    expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
  })

  it('does not guard what it has passed on against somebody who removes it', async () => {
    const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}')
    backend.foreign('no pool')
    backend.auto = true
    second.land('overwritten')
    await answer
    backend.foreign('{"y":2,"z":9}')
    expect(await settled()).toEqual({ y: 2, z: 9 })
  })

  it('does not guard a variable that is new to it against somebody who removes it', async () => {
    const { backend, second, answer, settled } = await passingOn('{"y":1}')
    second.land()
    await answer
    backend.auto = true
    backend.foreign('{"y":2,"z":9}')
    expect(await settled()).toEqual({ y: 2, z: 9 })
  })

  it('leaves what it has passed on to the owner where there is one, who may have put it back', async () => {
    const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}', { isOwned: () => true })
    second.land()
    await answer
    backend.auto = true
    backend.foreign('{"x":1,"y":2,"z":9}')
    expect(await settled()).toEqual({ x: 1, y: 2, z: 9 })
  })
})
