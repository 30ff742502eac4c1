import type { Backend } from '../contracts/backend.ts'
import type { SideTopics } from '../contracts/integration.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import type { JsonObject } from '../format/json.ts'
import { optionError, PersistError } from '../runtime/errors.ts'
import { isNode } from '../runtime/is-node.ts'
import { within } from '../runtime/promises.ts'
import type { Store, StoreMembers, VariablesOf } from '../store/members.ts'
import { type CompleteOptions, type ResolvedOptions, resolveOptions, type StoreOptions } from '../store/options.ts'
import { type ProxiedStore, proxiedStore } from '../store/proxy.ts'
import { adviseOnSize } from '../store/size-limit.ts'
import { saveOnExit } from './exit.ts'
import { attachIntegrations } from './integrations.ts'
import { unawaited } from './unawaited.ts'

/** Makes the backend for options; each entry point has its own. */
export type BackendMaker = (options: ResolvedOptions & Sides) => Backend

/** What a backend at an MQTT broker needs to know beside the options. */
interface Sides {
  /** The topics of integrations; called when it opens. */
  readonly sideTopics?: (() => readonly SideTopics[]) | undefined
  /** How long it tries to connect: until `openTimeoutMs` is over, or for ever. */
  readonly patience: 'limited' | 'endless'
}

/** Makes a store and begins to open it. */
export function startStore(
  given: StoreOptions<never>,
  makeBackend: BackendMaker,
  patience: Sides['patience'],
  isGuest = false,
): ProxiedStore & { opened: Promise<void> } {
  const options = { ...resolveOptions(given), isGuest }
  const sideTopics = () => attachIntegrations(store)
  const backend = options.backend ?? makeBackend({ ...options, sideTopics, patience })
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

/** Makes a store and resolves with it when it is open; leaves nothing open when it rejects. */
export async function startedStore(
  given: StoreOptions<never>,
  makeBackend: BackendMaker,
  isGuest?: boolean,
): Promise<ProxiedStore> {
  const store = startStore(given, makeBackend, 'limited', isGuest)
  const { core, opened } = store
  // Until this function returns the store, no program can listen: the rejection has the error.
  const quiet = core.context.events.on('error', () => {})
  await opened
  try {
    const { status } = core
    if (status.state === 'failed' || (status.state === 'waiting' && status.error)) throw status.error
    // The program cannot call zero() on a store that it does not have yet, but another writer may write a pool.
    const { storeName, options } = core.context
    const { openTimeoutMs } = options
    if (status.state === 'waiting') {
      const late = () => nothingCame(storeName, openTimeoutMs)
      await within(
        core.exec(() => {}),
        openTimeoutMs,
        late,
      )
    }
    quiet()
    return store
  } catch (error) {
    await core.close()
    throw error
  }
}

async function selfUpdate(): ReturnType<StoreMembers['selfUpdate']> {
  if (!isNode())
    throw new PersistError('ERR_PERSIST_CONNECT', 'There is no npm here that could be asked: this is not Node.')
  return (await import('../node/self-update.ts')).selfUpdate()
}

/** Imports the journal only where options ask for one: a browser cannot even load the file. */
function journalMaker({ journal, readOnly, topic }: ResolvedOptions): JournalMaker | undefined {
  if (journal === undefined || readOnly) return undefined
  if (!isNode()) {
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

/** The ways to open a store. Where a variable has no default, and no schema asks for it, it may be missing in an old pool. */
export interface Openers {
  openStore<T extends VariablesOf<T>>(options: CompleteOptions<T>): Promise<Store<T>>
  openStore<T extends VariablesOf<T> = JsonObject>(options?: StoreOptions<T>): Promise<Store<Partial<T>>>
  createStore<T extends VariablesOf<T>>(options: CompleteOptions<T>): Store<T>
  createStore<T extends VariablesOf<T> = JsonObject>(options?: StoreOptions<T>): Store<Partial<T>>
}

async function opened(options: StoreOptions<never>, makeBackend: BackendMaker): Promise<ProxiedStore['pt']> {
  return (await startedStore(options, makeBackend)).pt
}

/** Binds `openStore` and `createStore` to a kind of backend. */
export function openersFor(makeBackend: BackendMaker): Openers {
  return {
    openStore: (options = {}) => unawaited(opened(options as StoreOptions<never>, makeBackend)) as never,
    createStore: (options = {}) => startStore(options as StoreOptions<never>, makeBackend, 'endless').pt as never,
  }
}
