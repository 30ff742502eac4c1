import { mqttBackend } from './backends/mqtt/mqtt-backend.ts'
import { OwnerLink } from './backends/mqtt/owner-link.ts'
import type { JsonObject } from './format/json.ts'
import type { Editor } from './open/editor.ts'
import { type EditorOptions, editorOpenerFor } from './open/open-editor.ts'
import { type Openers, openersFor } from './open/open-store.ts'

export type { Backend, BackendListener, EditRequest, Held, News, WriteOutcome } from './contracts/backend.ts'
export type {
  IntegratedChange,
  IntegratedPool,
  IntegratedStore,
  Integration,
  SideMessage,
  SideTopics,
} from './contracts/integration.ts'
export type { JsonObject, JsonValue } from './format/json.ts'
export type { OnConflict, Sides } from './merge/three-way.ts'
export type { EditOptions, Editor, EditWay, MergePatch } from './open/editor.ts'
export type { EditorOptions } from './open/open-editor.ts'
export { PersistError, type PersistErrorCode, type PersistErrorFacts } from './runtime/errors.ts'
export type { MigrationStep, Migrations } from './schema/migration.ts'
export type { SchemaIssue, StandardSchema } from './schema/schema.ts'
export type { StoreEvents } from './store/events.ts'
export { type LooseStore, RESERVED_NAMES, type ReservedName, type Store, type StoreMembers } from './store/members.ts'
export {
  type AutosaveOptions,
  type CompleteOptions,
  DEFAULTS,
  type StoreOptions,
  type TlsOptions,
} from './store/options.ts'
export type { Status } from './store/status.ts'
export type { Origin } from './variables/variable.ts'

// Marked as pure, and called in functions of their own: so bundlers leave out what a page does not use.
const openers = /* @__PURE__ */ openersFor((options) =>
  mqttBackend({ ...options, role: options.readOnly ? 'guest' : 'owner' }),
)

/**
 * Opens the variables of a program at an MQTT broker; resolves when they are here.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION, _CONNECT, _DENIED, _TIMEOUT, _EMPTY, _BAD_PAYLOAD, _SCHEMA
 * @example
 * const pt = await openStore<{ counter: number }>({ url: 'mqtt://localhost', name: 'garage' })
 * pt.counter = pt.find('counter', 0) + 1
 * await pt.save()
 */
export const openStore: Openers['openStore'] = (options?: object) => openers.openStore(options) as never

/**
 * Makes a store at once, whose variables are not here yet: pass what needs them to `exec()`.
 *
 * Where there is no broker yet it goes on trying, and tells why by an 'error' event when `openTimeoutMs` is over. Failing
 * to open is an 'error' event, `$status`, and the rejection of every `exec()`.
 * @throws {PersistError} ERR_PERSIST_OPTION
 */
export const createStore: Openers['createStore'] = (options?: object) => openers.createStore(options) as never

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
  /* @__PURE__ */ editorOpenerFor({
    makeBackend: (options) => mqttBackend({ ...options, role: 'guest' }),
    makeLink: (options) => new OwnerLink(options, options.openTimeoutMs),
  })
