import { expect, it } from 'vitest'
import { startedStore } from '../../src/open/open-store.ts'
import type { Guards } from '../../src/store/options.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

// The store of an editor that writes a pool itself; y is what it is asked to make 2.

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

it('it guards what it was asked to change, and nothing else', async () => {
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

it('it does not bring back what somebody removes while it is being sent again', async () => {
  const { backend, first, settled } = await asked('{"x":1}')
  backend.foreign('no pool')
  backend.foreign('{"z":9}')
  backend.auto = true
  first.land('overwritten')
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('and takes what somebody makes of everything else, also while a lost pool is being sent again', async () => {
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

it('it passes on what somebody else has written while its own write was under way', async () => {
  const { backend, second, settled } = await passingOn('{"x":1,"y":1}')
  // A third one builds on the first write, before the merge is there.
  backend.foreign('{"x":1,"y":2,"z":9}')
  backend.auto = true
  second.land()
  expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
})

it('and guards that as well, until it is closed: others may be about to write who had not seen it', async () => {
  const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}')
  second.land()
  await answer
  backend.auto = true
  backend.foreign('{"x":1,"y":2,"z":9}')
  expect(await settled()).toEqual({ x: 5, y: 2, z: 9 })
})

it('but not against somebody who removes it', async () => {
  const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}')
  backend.foreign('no pool')
  backend.auto = true
  second.land('overwritten')
  await answer
  backend.foreign('{"y":2,"z":9}')
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('nor against somebody who removes what has just come to it', async () => {
  const { backend, second, answer, settled } = await passingOn('{"y":1}')
  second.land()
  await answer
  backend.auto = true
  backend.foreign('{"y":2,"z":9}')
  expect(await settled()).toEqual({ y: 2, z: 9 })
})

it('and leaves that to the owner where there is one, who may have put it back', async () => {
  const { backend, second, answer, settled } = await passingOn('{"x":1,"y":1}', { isOwned: () => true })
  second.land()
  await answer
  backend.auto = true
  backend.foreign('{"x":1,"y":2,"z":9}')
  expect(await settled()).toEqual({ x: 1, y: 2, z: 9 })
})
