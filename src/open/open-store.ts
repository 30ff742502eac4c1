import type { Backend } from '../contracts/backend.ts'
import type { SideTopics } from '../contracts/integration.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import type { JsonObject } from '../format/json.ts'
import { optionError, PersistError } from '../runtime/errors.ts'
import { saveOnExit } from '../runtime/exit.ts'
import { within } from '../runtime/promises.ts'
import type { Store, VariablesOf } from '../store/members.ts'
import { type Guards, type ResolvedOptions, resolveOptions, type StoreOptions } from '../store/options.ts'
import { type ProxiedStore, proxiedStore } from '../store/proxy.ts'
import { adviseOnSize } from '../store/size-limit.ts'
import { attachIntegrations } from './integrations.ts'

/** Makes the backend that options ask for; an entry point's own choice. */
export type BackendMaker = (options: ResolvedOptions & Sides) => Backend

/** What integrations have beside the pool, where the kind of backend has a place for it: called when it is opened. */
interface Sides {
  readonly sideTopics?: (() => readonly SideTopics[]) | undefined
}

/** Makes a store and begins to open it. */
export function startStore(
  given: StoreOptions<never>,
  makeBackend: BackendMaker,
  guards: Guards = 'all',
): ProxiedStore & { opened: Promise<void> } {
  const options = { ...resolveOptions(given), guards }
  const sideTopics = () => attachIntegrations(store)
  const backend = options.backend ?? makeBackend({ ...options, sideTopics })
  const store = proxiedStore(options, backend, { selfUpdate, makeJournal: journalMaker(options) })
  const { core } = store
  if (options.compat === 'tasmota') adviseOnSize(core.context)
  if (options.saveOnExit && !options.readOnly) {
    const forget = saveOnExit(core)
    core.context.events.on('status', ({ state }) => {
      if (state === 'closed' || state === 'failed') forget()
    })
  }
  return { ...store, opened: core.open() }
}

/** Makes a store and resolves with it when its variables are here; nothing is left open when it rejects. */
export async function startedStore(
  given: StoreOptions<never>,
  makeBackend: BackendMaker,
  guards?: Guards,
): Promise<ProxiedStore> {
  const store = startStore(given, makeBackend, guards)
  const { core, opened } = store
  // Until the store is returned nobody can listen, and what goes wrong is told by the rejection.
  const quiet = core.context.events.on('error', () => {})
  await opened
  try {
    const { status } = core
    if (status.state === 'failed' || (status.state === 'waiting' && status.error)) throw status.error
    // Nobody can call zero() on a store that has not been returned, but another program may write a pool.
    const { storeName, options } = core.context
    const { openTimeoutMs } = options
    if (status.state === 'waiting')
      await within(
        core.exec(() => {}),
        openTimeoutMs,
        () => nothingCame(storeName, openTimeoutMs),
      )
    quiet()
    return store
  } catch (error) {
    await core.close()
    throw error
  }
}

/** Loaded where it is called: it needs Node. */
const selfUpdate = async () => (await import('../node/self-update.ts')).selfUpdate()

/** The journal is loaded where one is asked for: a browser could not even load it. */
function journalMaker({ journal, readOnly, topic }: ResolvedOptions): JournalMaker | undefined {
  // A store that changes nothing has nothing to note.
  if (journal === undefined || readOnly) return undefined
  if (globalThis.process?.versions?.node === undefined) {
    throw optionError('journal', 'it needs Node and its files; leave it out in a browser')
  }
  return async () => (await import('../backends/file/file-journal.ts')).fileJournal(journal, topic)
}

function nothingCame(store: string, limitMs: number): PersistError {
  return new PersistError(
    'ERR_PERSIST_EMPTY',
    `Nothing is kept for ${store}, and nobody wrote a pool within ${limitMs} ms. ` +
      "With empty: 'wait', use createStore(): its zero() starts a pool.",
    { store },
  )
}

/** The functions by which an entry point opens stores at its kind of backend. */
export interface Openers {
  openStore<T extends VariablesOf<T> = JsonObject>(options?: StoreOptions<T>): Promise<Store<T>>
  createStore<T extends VariablesOf<T> = JsonObject>(options?: StoreOptions<T>): Store<T>
}

/** Binds `openStore` and `createStore` to a kind of backend. */
export function openersFor(makeBackend: BackendMaker): Openers {
  return {
    openStore: async (options = {}) => (await startedStore(options as StoreOptions<never>, makeBackend)).pt as never,
    createStore: (options = {}) => startStore(options as StoreOptions<never>, makeBackend).pt as never,
  }
}
