import { expect, it } from 'vitest'
import { startedStore } from '../../src/open/open-store.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

// The store of an editor that writes a pool itself, loses it meanwhile, and hears of others who write.

/** It is asked to make y 2, and its write is on its way. */
async function asked(text: string) {
  const backend = new HeldBackend(text, { auto: false })
  const given = { name: 'garage', saveOnExit: false }
  const { core } = await startedStore(given, () => backend, { isOwned: () => false })
  core.context.events.on('error', () => {})
  const answer = core.requested({ kind: 'patch', bytes: bytesOf('{"y":2}'), isAnswered: true })
  const first = await backend.nth(1)
  /** Lets everything land from now on, and tells what is held in the end. */
  const settled = async () => {
    backend.auto = true
    backend.writes.at(-1)?.land()
    await answer
    await core.close()
    return JSON.parse(backend.text ?? '')
  }
  return { backend, first, settled }
}

it('an editor passes on what was lost, removed, and written by somebody again', async () => {
  const { backend, first, settled } = await asked('{"x":1}')
  backend.foreign('no pool')
  backend.foreign('{"z":9}')
  first.land('overwritten')
  const second = await backend.nth(2)
  backend.foreign('{"x":5,"z":9}')
  second.land()
  await backend.nth(3)
  backend.foreign('{"y":2,"z":8}')
  expect(await settled()).toEqual({ x: 5, y: 2, z: 8 })
})

it('an editor takes what somebody makes of a variable of a lost pool, though an older pool was held before', async () => {
  const { backend, first, settled } = await asked('{"x":1,"y":1}')
  backend.foreign('{"x":1,"y":1,"z":8}')
  first.land()
  await backend.nth(2)
  backend.foreign('{"x":1,"y":2,"z":9}')
  backend.reread(first.text)
  backend.foreign('no pool')
  backend.foreign('{"x":7,"y":2}')
  expect(await settled()).toMatchObject({ x: 7, y: 2 })
})
