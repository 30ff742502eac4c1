import { expect, it } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'

it('a link that breaks and comes back while a store is opened is told to it once', async () => {
  const backend = new HeldBackend(null)
  const open = backend.open.bind(backend)
  backend.open = async (listener) => {
    const held = await open(listener)
    backend.offline()
    backend.online()
    return held
  }
  const pt = backend.openers.createStore({ name: 'waiting', saveOnExit: false, empty: 'wait' })
  const states: string[] = []
  pt.$on('status', ({ state }) => states.push(state))
  await new Promise(setImmediate)
  // What was found when it was opened, and when the link was back.
  expect(states).toEqual(['waiting', 'waiting'])
  backend.foreign('{"n":1}')
  await pt.exec(() => {})
  expect(states.slice(2)).toEqual(['ready'])
})
