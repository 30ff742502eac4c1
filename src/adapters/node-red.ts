import { isMap, ownValue } from '../format/json.ts'
import { openStore, PersistError, type Store, type StoreOptions } from '../index.ts'
import { memoryBackend } from '../memory.ts'
import { optionError } from '../runtime/errors.ts'
import { orAfter } from '../runtime/promises.ts'
import { copyOf } from './node-red/copy-of.ts'
import { mergedContext } from './node-red/merged-context.ts'
import { PoolSearch } from './node-red/pool-search.ts'
import { nested, type PropertyPath, propertyPath, setValueAt, valueAt } from './node-red/property-path.ts'

/** The `config` of a context store in Node-RED's settings: options of the store, and what to do without a broker. */
export interface NodeRedOptions extends StoreOptions {
  /** How long the start of Node-RED waits for the broker, in milliseconds. @default 10 000 */
  startTimeoutMs?: number | undefined
  /**
   * What to do if no broker answers at the start. 'fail': open() rejects, and Node-RED shows why. 'memory': flows begin
   * with empty contexts; what they set is set in the pool when the broker answers. @default fail
   */
  offline?: 'fail' | 'memory' | undefined
}

type Callback<Results extends unknown[] = []> = (error?: unknown, ...results: Results) => void

/** What Node-RED calls of a context store. A scope is 'global', a flow's id, or `<node>:<flow>`. */
export interface NodeRedContextStore {
  /** @throws {PersistError} as openStore(), when `startTimeoutMs` is over */
  open(): Promise<void>
  /** Saves unsaved contexts, and closes the pool; takes 5 seconds at most. */
  close(): Promise<void>
  /** A copy of a value, so that changes in it count only when it is set. With several keys, a list of values. */
  get(scope: string, key: string | readonly string[]): unknown
  get(scope: string, key: string | readonly string[], callback: Callback<unknown[]>): void
  /** Sets values; undefined removes. Without a callback, errors are thrown. */
  set(scope: string, key: string | readonly string[], value: unknown, callback?: Callback): void
  keys(scope: string): string[]
  keys(scope: string, callback: Callback<[keys?: string[]]>): void
  /** Removes a scope. */
  delete(scope: string): Promise<void>
  /** Removes the scopes of all other nodes and flows; never 'global'. */
  clean(activeNodes: readonly string[]): Promise<void>
}

const START_TIMEOUT_MS = 10_000
/** Half of what Docker gives a container to stop. */
const STOP_TIMEOUT_MS = 5000
/** Flows set values often: so many changes become one message. In milliseconds. */
const AUTOSAVE = { delayMs: 100, maxDelayMs: 1000 }
/** Node-RED puts these into its global context. */
const NOT_GLOBAL = ['set', 'get', 'keys']

/**
 * Makes a context store for Node-RED's settings: all contexts are one pool, one variable for each scope.
 *
 * Node-RED calls it, with `config`; `require('persist-mqtt/node-red')` is this function.
 * @example
 * contextStorage: { mqtt: { module: require('persist-mqtt/node-red'), config: { url: 'mqtt://localhost' } } }
 */
export function nodeRedContextStore(config: NodeRedOptions = {}): NodeRedContextStore {
  return new PoolContextStore(config)
}

// So that `require` returns the function itself, which Node-RED calls.
export { nodeRedContextStore as 'module.exports' }

class PoolContextStore implements NodeRedContextStore {
  readonly #name: string
  readonly #search: PoolSearch
  readonly #startTimeoutMs: number
  readonly #offline: 'fail' | 'memory'
  readonly #hasJournal: boolean
  /** The pool; until the broker answers, a store in memory. */
  #pt: Store | undefined
  /** The changes of the store in memory by scope and property expression, in the order of their latest call. */
  #offlineChanges: Map<string, () => void> | undefined
  #activeNodes: readonly string[] | undefined
  #isClosed = false

  constructor(config: NodeRedOptions) {
    // Node-RED adds settings of its own.
    const { settings: _, ...given } = config as NodeRedOptions & { settings?: unknown }
    const { startTimeoutMs = START_TIMEOUT_MS, offline = 'fail', ...options } = given
    if (!(startTimeoutMs >= 1 && startTimeoutMs < 2 ** 31)) {
      throw optionError('startTimeoutMs', 'it must be a number of milliseconds from 1 to 2147483647')
    }
    if (offline !== 'fail' && offline !== 'memory') throw optionError('offline', "it must be 'fail' or 'memory'")
    this.#startTimeoutMs = startTimeoutMs
    this.#offline = offline
    this.#hasJournal = options.journal !== undefined
    const defaults = { name: 'node-red', autosave: AUTOSAVE, onConflict: mergedContext }
    this.#name = options.name ?? defaults.name
    // Shorter than the start, so that the reason is known when that is over.
    const openTimeoutMs = Math.max(1, 0.9 * startTimeoutMs)
    this.#search = new PoolSearch({ ...defaults, openTimeoutMs, ...options })
  }

  async open(): Promise<void> {
    // The search goes on after open() has resolved, if `offline` is 'memory'.
    const opening = this.#search.find().then((pt) => pt && this.#use(pt))
    opening.catch(() => {})
    await orAfter(opening, this.#startTimeoutMs, undefined)
    if (this.#pt !== undefined || this.#isClosed) return
    const { failure } = this.#search
    if (this.#offline === 'fail') {
      await this.close()
      throw (
        failure ?? new PersistError('ERR_PERSIST_TIMEOUT', `No answer of the broker within ${this.#startTimeoutMs} ms.`)
      )
    }
    this.#search.bePatient()
    warn(
      `No broker after ${this.#startTimeoutMs} ms: the contexts of Node-RED are kept in memory until there is one. ${failure ?? ''}`,
    )
    this.#offlineChanges = new Map()
    this.#pt = await openStore({ name: this.#name, backend: memoryBackend(), saveOnExit: false })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#search.stop()
    if (this.#offlineChanges?.size)
      warn('There was no broker until the end: what flows have set in their contexts is lost.')
    this.#offlineChanges?.clear()
    const pt = this.#pt
    if (pt === undefined) return
    // A failed save is an 'error' event of the store, which Node prints.
    const closing = pt.$close().then(
      () => true,
      () => true,
    )
    if (await orAfter(closing, STOP_TIMEOUT_MS, false)) return
    const lost = this.#hasJournal ? 'is in the journal until the next start' : 'is lost unless the broker has it yet'
    warn(`The broker did not answer within ${STOP_TIMEOUT_MS} ms: what flows have set last ${lost}.`)
  }

  get(scope: string, key: string | readonly string[], callback?: Callback<unknown[]>): unknown {
    if (typeof key === 'string') return answer(() => [this.#get(scope, key)], callback)
    const values = answer(() => key.map((one) => this.#get(scope, one)), callback, true)
    return values
  }

  set(scope: string, key: string | readonly string[], value: unknown, callback?: Callback): void {
    const keys = typeof key === 'string' ? [key] : key
    const values = typeof key !== 'string' && Array.isArray(value) ? value : [value]
    const change = () => {
      // A key without a value is set to null, as in Node-RED's own stores.
      const changes = keys.map((one, index) => this.#setting(scope, one, index < values.length ? values[index] : null))
      this.#allOrNone(scope, changes)
      for (const [index, one] of keys.entries()) this.#note(scope, one, changes[index] as () => void)
      return []
    }
    answer(change, callback)
  }

  keys(scope: string): string[]
  keys(scope: string, callback: Callback<[keys?: string[]]>): void
  keys(scope: string, callback?: Callback<[keys?: string[]]>): string[] | undefined {
    const names = () => {
      const all = Object.keys(this.#scopeOf(scope) ?? {})
      return [scope === 'global' ? all.filter((name) => !NOT_GLOBAL.includes(name)) : all] as [string[]]
    }
    return answer(names, callback as Callback<unknown[]>) as string[] | undefined
  }

  async delete(scope: string): Promise<void> {
    const remove = () => this.#store().remove(scope)
    remove()
    this.#note(scope, '', remove)
  }

  async clean(activeNodes: readonly string[]): Promise<void> {
    this.#activeNodes = activeNodes
    this.#clean()
  }

  /** From now on the pool has the contexts; the changes made in memory are made there. */
  async #use(pt: Store): Promise<void> {
    const memory = this.#pt
    const changes = this.#offlineChanges
    this.#pt = pt
    this.#offlineChanges = undefined
    for (const change of changes?.values() ?? []) {
      try {
        change()
      } catch (error) {
        // Another writer has put a value into the pool that cannot have this property.
        process.emitWarning(error as Error)
      }
    }
    if (this.#activeNodes !== undefined) this.#clean()
    await memory?.$close()
  }

  #store(): Store {
    if (this.#pt !== undefined) return this.#pt
    throw new PersistError('ERR_PERSIST_NOT_READY', 'The context store is not open: Node-RED calls open() first.')
  }

  #scopeOf(scope: string): object | undefined {
    const found = valueAt(this.#store(), [scope])
    return isMap(found) ? found : undefined
  }

  #get(scope: string, key: string): unknown {
    const path = propertyPath(key)
    const map = this.#scopeOf(scope)
    return map && copyOf(valueAt(map, path))
  }

  #setting(scope: string, key: string, value: unknown): () => void {
    const path = propertyPath(key)
    // A copy, since it may be set again when the broker answers.
    const kept = copyOf(value)
    return () => this.#setAt(scope, path, kept)
  }

  /** Makes changes of one scope; where one is refused, those before it are undone. */
  #allOrNone(scope: string, changes: readonly (() => void)[]): void {
    const pt = this.#store()
    const before = changes.length > 1 ? ownValue(pt.$snapshot(), scope) : undefined
    let made = 0
    try {
      for (; made < changes.length; made++) changes[made]?.()
    } catch (error) {
      if (made > 0 && before === undefined) pt.remove(scope)
      else if (made > 0) pt[scope] = before
      throw error
    }
  }

  #setAt(scope: string, path: PropertyPath, value: unknown): void {
    const pt = this.#store()
    if (this.#scopeOf(scope) === undefined) {
      const [key, ...rest] = path
      // A context is a map, also where its first key is a number.
      if (value !== undefined) pt[scope] = nested([String(key), ...rest], value)
      return
    }
    setValueAt(pt[scope], path, value)
  }

  /** Records a change that was made, while the contexts are in memory. */
  #note(scope: string, key: string, make: () => void): void {
    const noted = this.#offlineChanges
    const name = JSON.stringify([scope, key])
    // Moved to the end: it may replace what changes before it have set.
    noted?.delete(name)
    noted?.set(name, make)
  }

  #clean(): void {
    const pt = this.#store()
    // Node-RED cleans at each deployment, which must not fail because another program has taken the pool over.
    if (pt.$status.state === 'readonly') return
    const active = new Set(this.#activeNodes)
    for (const [scope, value] of Object.entries(pt)) {
      // Contexts are maps; anything else is from another writer.
      if (scope === 'global' || !isMap(value)) continue
      if (!active.has(scope.split(':')[0] as string)) pt.remove(scope)
    }
  }
}

function warn(text: string): void {
  process.emitWarning(text, { code: 'WARN_PERSIST_OFFLINE' })
}

/** Calls the callback with the error or the results; without one throws, or returns the only result, or a list. */
function answer(work: () => unknown[], callback: Callback<unknown[]> | undefined, isList = false): unknown {
  if (callback === undefined) {
    const results = work()
    return isList ? results : results[0]
  }
  let results: unknown[]
  try {
    results = work()
  } catch (error) {
    callback(error)
    return undefined
  }
  callback(undefined, ...results)
  return undefined
}
