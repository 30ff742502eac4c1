import { type MemoryPlace, memoryBackend, memoryPlace } from './backends/memory.ts'
import { type Openers, openersFor } from './open/open-store.ts'

export { type MemoryPlace, memoryBackend, memoryPlace } from './backends/memory.ts'
export { PersistError } from './runtime/errors.ts'
export type { Store } from './store/members.ts'
export type { StoreOptions } from './store/options.ts'

/** The pools of this process, by name: a store that is opened again finds what it saved. */
const places = new Map<string, MemoryPlace>()

const openers = openersFor(({ name }) => {
  const place = places.get(name) ?? memoryPlace()
  places.set(name, place)
  return memoryBackend(place)
})

/** Opens the variables of a name in this process's memory: for tests, and for programs that need not keep anything. */
export const openStore: Openers['openStore'] = openers.openStore

/** Makes a store in this process's memory at once; its variables are there a tick later. */
export const createStore: Openers['createStore'] = openers.createStore
