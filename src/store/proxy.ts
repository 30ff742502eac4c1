import type { Backend } from '../contracts/backend.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import type { JsonObject, JsonValue } from '../format/json.ts'
import { PersistError } from '../runtime/errors.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import { reservedBecause, type StoreMembers } from './members.ts'
import type { ResolvedOptions } from './options.ts'
import { StoreShelf } from './shelf.ts'
import { StoreCore } from './store.ts'

/** A store as programs see it, and the core behind it. */
export interface ProxiedStore {
  readonly pt: StoreMembers & JsonObject
  readonly core: StoreCore
}

/** Makes a store, not opened yet: the core, and the proxy whose properties are the variables. */
export function proxiedStore(options: ResolvedOptions, backend: Backend, journal?: JournalMaker): ProxiedStore {
  const members = {}
  const traps = new StoreTraps(members)
  const core = new StoreCore(options, backend, traps.shelf, () => traps.ready(), journal)
  traps.core = core
  const pt = new Proxy(traps.shelf.target, traps as Handler) as unknown as ProxiedStore['pt']
  const own = Object.getOwnPropertyDescriptors(membersOf(core, pt))
  for (const descriptor of Object.values(own)) descriptor.enumerable = false
  Object.defineProperties(members, own)
  return { pt, core }
}

type Key = string | symbol
type Handler = ProxyHandler<Record<string, JsonValue>>

/** How reading and writing properties of a store is reading and writing variables. */
class StoreTraps implements Omit<Handler, 'get'> {
  readonly shelf: StoreShelf
  core!: StoreCore
  #ready = false
  #aside = false
  /**
   * Undefined unless it has something to do: before the variables are here, and if some have reserved names.
   * Without it, reading a variable calls none of our code; as a property of its own, even if undefined, it is found to
   * be missing without a search of the prototypes, which would be a third of the time that a read takes.
   */
  get: ((target: object, key: Key, receiver: unknown) => unknown) | undefined

  constructor(members: object) {
    this.shelf = new StoreShelf(members, (present) => {
      this.#aside = present
      this.#chooseGet()
    })
    this.#chooseGet()
  }

  ready(): void {
    this.#ready = true
    this.#chooseGet()
  }

  #chooseGet(): void {
    if (!this.#ready) this.get = this.#getEarly
    else if (this.#aside) this.get = this.#getBesideMembers
    else this.get = undefined
  }

  readonly #getEarly = (target: object, key: Key, receiver: unknown): unknown => {
    // A promise that resolves with the store asks it for then(), and tools ask for symbols: those are no variables.
    if (typeof key === 'symbol' || key === 'then' || key in target) return Reflect.get(target, key, receiver)
    throw this.core.unusable()
  }

  readonly #getBesideMembers = (target: object, key: Key, receiver: unknown): unknown => {
    return (typeof key === 'string' ? this.shelf.read(key) : undefined) ?? Reflect.get(target, key, receiver)
  }

  set(_: object, key: Key, value: unknown): boolean {
    this.core.assertWritable()
    if (typeof key === 'symbol') throw reservedName(String(key), 'symbols are no names in JSON')
    const reason = reservedBecause(key)
    // Whoever puts a whole snapshot back puts the version back with it, as it is.
    if (key === VERSION_NAME && value === this.core.variables.get(key)) return true
    if (reason !== undefined) throw reservedName(key, reason)
    this.core.variables.set(key, value)
    return true
  }

  deleteProperty(_: object, key: Key): boolean {
    if (typeof key === 'string') this.core.remove(key)
    return true
  }

  defineProperty(target: object, key: Key, descriptor: PropertyDescriptor): boolean {
    if (!('value' in descriptor)) throw reservedName(String(key), 'an accessor is not JSON; assign its value')
    return this.set(target, key, descriptor.value)
  }

  has(target: object, key: Key): boolean {
    if (typeof key === 'symbol') return Reflect.has(target, key)
    this.#assertReadable()
    return this.shelf.has(key)
  }

  ownKeys(): string[] {
    this.#assertReadable()
    return this.shelf.enumerate()
  }

  getOwnPropertyDescriptor(_: object, key: Key): PropertyDescriptor | undefined {
    this.#assertReadable()
    return typeof key === 'symbol' ? undefined : this.shelf.describe(key)
  }

  /** The members are no business of whoever compares or enumerates: for them a store is a plain object. */
  getPrototypeOf(): object {
    return Object.prototype
  }

  setPrototypeOf(): boolean {
    return false
  }

  preventExtensions(): boolean {
    return false
  }

  #assertReadable(): void {
    if (!this.core.isReadable) throw this.core.unusable()
  }
}

function reservedName(name: string, reason: string): PersistError {
  return new PersistError(
    'ERR_PERSIST_RESERVED_NAME',
    `No variable can be called ${JSON.stringify(name)}: ${reason}. Choose another name; nothing was changed.`,
    { path: name },
  )
}

/** The members of a store; none needs `this`, so they can be passed around. */
function membersOf(core: StoreCore, pt: ProxiedStore['pt']): StoreMembers {
  const { variables, watching } = core
  const get = (name: string) => {
    if (!core.isReadable) throw core.unusable()
    return variables.get(name)
  }
  const find = (name: string, fallback?: unknown) => {
    const value = get(name)
    // null is a value: only what is not there falls back.
    return value === undefined ? fallback : value
  }
  const shown = () => Object.fromEntries(variables.names().map((name) => [name, variables.get(name)]))
  const members = {
    save: () => core.save(),
    saveEvery: (seconds: number) => watching.saveEvery(seconds),
    // Whether a fallback was given decides what it answers, also if that is undefined.
    has: (...args: [name: string, fallback?: unknown]) =>
      args.length > 1 ? find(...args) : get(args[0]) !== undefined,
    find,
    remove: (name: string) => core.remove(name),
    zero: (force?: boolean) => core.zero(force === true),
    dirty: () => core.dirty(),
    ready: () => core.isReady,
    exec: (fn: (store: typeof pt) => unknown) => core.exec(() => fn(pt)),
    selfUpdate: async () => (await import('../node/self-update.ts')).selfUpdate(),
    $on: watching.on.bind(watching),
    $snapshot() {
      if (!core.isReadable) throw core.unusable()
      return variables.snapshot()
    },
    $subscribe: (listener: () => void) => watching.subscribe(listener),
    get $status() {
      return core.status
    },
    $close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
    toJSON: () => members.$snapshot(),
    // What console.log and util.inspect show: https://nodejs.org/api/util.html#utilinspectcustom
    [Symbol.for('nodejs.util.inspect.custom')]: (
      depth: number,
      options: object,
      inspect: (value: unknown, options: object) => string,
    ) => (core.isReadable ? inspect(shown(), { ...options, depth }) : `Store ${core.label}: ${core.status.state}`),
  }
  return members as unknown as StoreMembers
}
