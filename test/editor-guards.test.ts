import { expect, it } from 'vitest'
import { startedStore } from '../src/open-store.ts'
import { bytesOf, HeldBackend } from './helpers/held-backend.ts'

/** An editor's store, of a pool that nobody owns. */
const ALONE = { isOwned: () => false }

it('an editor that writes a pool itself guards what it was asked to change, and nothing else', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}')
  const options = { name: 'garage', saveOnExit: false }
  const { core } = await startedStore(options, () => backend, ALONE)
  core.events.on('error', () => {})
  await core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  backend.foreign('no pool')
  await core.save()
  expect(backend.text).toBe('{"x":1,"y":2}')
  // Somebody removes x, and has an old y.
  backend.foreign('{"y":1,"z":9}')
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ y: 2, z: 9 })
})

it('it does not bring back what somebody removes while it is being sent again', async () => {
  const backend = new HeldBackend('{"x":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  core.events.on('error', () => {})
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const write = await backend.nth(1)
  backend.foreign('no pool')
  backend.foreign('{"z":9}')
  backend.auto = true
  write.land('overwritten')
  await answer
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ y: 2, z: 9 })
})

it('and passes on what somebody else has written while its own write was under way', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  backend.foreign('{"x":5,"y":1}')
  // It lands over that, and a third one builds on it before the merge is there.
  first.land()
  const second = await backend.nth(2)
  backend.foreign('{"x":1,"y":2,"z":9}')
  backend.auto = true
  second.land()
  await answer
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ x: 5, y: 2, z: 9 })
})

it('and guards that as well, until it is closed: others may be about to write who had not seen it', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  backend.foreign('{"x":5,"y":1}')
  first.land()
  const second = await backend.nth(2)
  second.land()
  await answer
  backend.auto = true
  backend.foreign('{"x":1,"y":2,"z":9}')
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ x: 5, y: 2, z: 9 })
})

it('but not against somebody who removes it', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  core.events.on('error', () => {})
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  backend.foreign('{"x":5,"y":1}')
  first.land()
  const second = await backend.nth(2)
  backend.foreign('no pool')
  backend.auto = true
  second.land('overwritten')
  await answer
  backend.foreign('{"y":2,"z":9}')
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ y: 2, z: 9 })
})

it('nor against somebody who removes what has just come to it', async () => {
  const backend = new HeldBackend('{"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  backend.foreign('{"x":5,"y":1}')
  first.land()
  const second = await backend.nth(2)
  backend.auto = true
  second.land()
  await answer
  backend.foreign('{"y":2,"z":9}')
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ y: 2, z: 9 })
})

it('and takes what somebody makes of everything else, also while a lost pool is being sent again', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, ALONE)
  core.events.on('error', () => {})
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  for (const n of [1, 2]) {
    const write = await backend.nth(n)
    backend.foreign('no pool')
    write.land('overwritten')
  }
  const third = await backend.nth(3)
  backend.foreign('{"x":7,"y":1}')
  backend.auto = true
  third.land('overwritten')
  await answer
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ x: 7, y: 2 })
})

it('and leaves that to the owner where there is one, who may have put it back', async () => {
  const backend = new HeldBackend('{"x":1,"y":1}', { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, { isOwned: () => true })
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  backend.foreign('{"x":5,"y":1}')
  first.land()
  const second = await backend.nth(2)
  second.land()
  await answer
  backend.auto = true
  backend.foreign('{"x":1,"y":2,"z":9}')
  await core.close()
  expect(JSON.parse(backend.text ?? '')).toEqual({ x: 1, y: 2, z: 9 })
})
