import { OwnerLink } from './backends/mqtt/owner-link.ts'
import { mqttBackend } from './backends/mqtt.ts'
import type { Editor } from './editor.ts'
import type { JsonObject } from './json.ts'
import { type EditorOptions, editorOpenerFor } from './open-editor.ts'
import { type Openers, openersFor } from './open-store.ts'

export type {
  HomeAssistantOptions,
  HomeAssistantPlatform,
  HomeAssistantVariable,
} from './adapters/home-assistant/options.ts'
export type { Backend, BackendListener, EditRequest, Held, Stamp, WriteOutcome } from './backend.ts'
export type { EditOptions, Editor, EditWay, MergePatch } from './editor.ts'
export { PersistError, type PersistErrorCode, type PersistErrorFacts } from './errors.ts'
export type { StoreEvents } from './events.ts'
export type { JsonObject, JsonValue } from './json.ts'
export type { OnConflict, Sides } from './merge.ts'
export type { MigrationStep, Migrations } from './migration.ts'
export type { EditorOptions } from './open-editor.ts'
export { type AutosaveOptions, DEFAULTS, type StoreOptions, type TlsOptions } from './options.ts'
export type { SchemaIssue, StandardSchema } from './schema.ts'
export type { Origin, Status } from './status.ts'
export { type LooseStore, RESERVED_NAMES, type ReservedName, type Store, type StoreMembers } from './store-members.ts'

const openers = openersFor((options) => mqttBackend({ ...options, role: options.readOnly ? 'guest' : 'owner' }))

/**
 * Opens the variables of a program at an MQTT broker; resolves when they are here.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION, _CONNECT, _DENIED, _TIMEOUT, _EMPTY, _BAD_PAYLOAD, _SCHEMA
 * @example
 * const pt = await openStore<{ counter: number }>({ url: 'mqtt://localhost', name: 'garage' })
 * pt.counter = pt.find('counter', 0) + 1
 * await pt.save()
 */
export const openStore: Openers['openStore'] = openers.openStore

/**
 * Makes a store at once, whose variables are not here yet: pass what needs them to `exec()`.
 *
 * Failing to open is an 'error' event, `$status`, and the rejection of every `exec()`.
 * @throws {PersistError} ERR_PERSIST_OPTION
 */
export const createStore: Openers['createStore'] = openers.createStore

/**
 * Opens an editor: it changes the pool of another program, through that program where it runs, else by itself.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION, _CONNECT, _DENIED, _TIMEOUT
 * @example
 * await using editor = await openEditor({ url: 'mqtt://localhost', name: 'garage' })
 * await editor.patch({ limit: 7, old: null })
 * const { value } = await editor.increment('counter')
 */
export const openEditor: <T extends object = JsonObject>(options?: EditorOptions) => Promise<Editor<T>> =
  editorOpenerFor({
    makeBackend: (options) => mqttBackend({ ...options, role: 'guest' }),
    makeLink: (options) => new OwnerLink(options, options.openTimeoutMs),
  })
