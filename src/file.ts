import { fileBackend } from './backends/file/file-backend.ts'
import { type Openers, openersFor } from './open/open-store.ts'

export { fileBackend } from './backends/file/file-backend.ts'
export { PersistError } from './runtime/errors.ts'
export type { Store } from './store/members.ts'
export type { StoreOptions } from './store/options.ts'

const openers = openersFor(({ file, name }) => fileBackend(file ?? `${encodeURIComponent(name)}.json`))

/**
 * Opens the variables of a program in a local JSON file, as Tasmota's own `persist` does.
 *
 * Options for brokers are allowed and mean nothing here, so that the import is all there is to change.
 * @throws {PersistError} ERR_PERSIST_OPTION, _DENIED, _EMPTY, _BAD_PAYLOAD, _SCHEMA
 */
export const openStore: Openers['openStore'] = openers.openStore

/** Makes a store over a local JSON file at once; its variables are there when `exec()` runs. */
export const createStore: Openers['createStore'] = openers.createStore
