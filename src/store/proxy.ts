import type { Backend } from '../contracts/backend.ts'
import type { JournalMaker } from '../contracts/journal.ts'
import type { JsonObject, JsonValue } from '../format/json.ts'
import { PersistError } from '../runtime/errors.ts'
import { VERSION_NAME } from '../schema/migration.ts'
import { isReservedName, RESERVED_NAMES, reservedBecause, type StoreMembers } from './members.ts'
import type { ResolvedOptions } from './options.ts'
import { StoreCore, type StoreTarget } from './store.ts'

/** A store as programs see it, and the core behind it. */
export interface ProxiedStore {
  readonly pt: StoreMembers & JsonObject
  readonly core: StoreCore
}

/** What only some runtimes can do: a browser has no files to install or to keep a journal in. */
export interface Surroundings {
  readonly selfUpdate: StoreMembers['selfUpdate']
  readonly makeJournal?: JournalMaker | undefined
}

/** Makes a store, which is not open yet: the core, and the proxy whose properties are the variables. */
export function proxiedStore(options: ResolvedOptions, backend: Backend, surroundings: Surroundings): ProxiedStore {
  const members = {}
  const traps = new StoreTraps(members)
  const core = new StoreCore(options, backend, traps, surroundings.makeJournal)
  traps.core = core
  const pt = new Proxy(traps.target, traps as Handler) as unknown as ProxiedStore['pt']
  const own = Object.getOwnPropertyDescriptors(membersOf(core, pt, surroundings.selfUpdate))
  for (const descriptor of Object.values(own)) descriptor.enumerable = false
  Object.defineProperties(members, own)
  return { pt, core }
}

type Key = string | symbol
type Handler = ProxyHandler<Record<string, JsonValue>>

/**
 * The proxy's traps: a program that reads and writes properties of the store reads and writes variables.
 *
 * The proxy's target stays empty, since it must be there before the variables are. Its prototype is the object with the
 * values, and the prototype of that are the store's members: `pt.counter` is a plain property read. A variable that another
 * writer called like a member (`save`) is shadowed: `pt.save` stays the member, and only enumerations have the variable.
 */
class StoreTraps implements Omit<Handler, 'get'>, StoreTarget {
  readonly target: Record<string, JsonValue>
  core!: StoreCore
  readonly #members: object
  #values: JsonObject = {}
  #shadowed: readonly string[] = []
  #isReady = false
  /** The shadowed names whose descriptors an enumeration asks for next. */
  #upcoming: string[] = []
  /** The name whose descriptor it has just asked for. */
  #described: string | undefined
  /**
   * Undefined unless it has something to do: before the store is open, and while variables are shadowed. Without it, a
   * read calls no function. It is an own property even if undefined: else each read would search the prototypes for a
   * trap, which is a third of the time that a read takes.
   */
  get: ((target: object, key: Key, receiver: unknown) => unknown) | undefined

  constructor(members: object) {
    this.target = Object.create(members)
    this.#members = members
    this.#chooseGet()
  }

  ready(): void {
    this.#isReady = true
    this.#chooseGet()
  }

  show(values: JsonObject): void {
    this.#values = Object.setPrototypeOf(values, this.#members)
    Object.setPrototypeOf(this.target, values)
    this.#shadow()
  }

  changed(name: string): void {
    if (isReservedName(name)) this.#shadow()
  }

  #shadow(): void {
    this.#shadowed = RESERVED_NAMES.filter((name) => Object.hasOwn(this.#values, name))
    this.#chooseGet()
  }

  #chooseGet(): void {
    if (!this.#isReady) this.get = this.#getEarly
    else this.get = this.#shadowed.length > 0 ? this.#getShadowed : undefined
  }

  readonly #getEarly = (target: object, key: Key, receiver: unknown): unknown => {
    // A promise that resolves with the store reads `then`, and tools read symbols: those are no variables.
    if (typeof key === 'symbol' || key === 'then' || key in target) return Reflect.get(target, key, receiver)
    throw this.core.context.state.unusable()
  }

  /** Is this read a part of an enumeration, and so meant for the variable? */
  readonly #getShadowed = (target: object, key: Key, receiver: unknown): unknown => {
    const isMeant = key === this.#described
    this.#described = undefined
    const isMember = !isMeant && this.#shadowed.includes(key as string)
    return Reflect.get(isMember ? this.#members : target, key, receiver)
  }

  set(_: object, key: Key, value: unknown): boolean {
    this.core.context.state.assertWritable()
    if (typeof key === 'symbol') throw reservedName(String(key), 'symbols are no names in JSON')
    const reason = reservedBecause(key)
    // A program that assigns a whole snapshot assigns the version too, unchanged.
    if (key === VERSION_NAME && value === this.core.context.variables.get(key)) return true
    if (reason !== undefined) throw reservedName(key, reason)
    this.core.context.variables.set(key, value)
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
    return Object.hasOwn(this.#values, key)
  }

  /**
   * The names, the shadowed ones first. `{ ...pt }` and `Object.entries(pt)` then read each descriptor and right after it
   * the value; `pt.save` reads the value alone: so the proxy can tell the variable `save` from the member. `Object.keys`
   * reads descriptors only, so the last one must be of another name: where there is none, of a member that no variable
   * shadows, which enumerations leave out.
   */
  ownKeys(): string[] {
    this.#assertReadable()
    const names = Object.keys(this.#values)
    const shadowed = this.#shadowed
    if (shadowed.length === 0) return names
    this.#upcoming = [...shadowed]
    this.#described = undefined
    const own = names.filter((name) => !shadowed.includes(name))
    const last = own.length === 0 && RESERVED_NAMES.find((name) => !shadowed.includes(name))
    return [...shadowed, ...own, ...(last ? [last] : [])]
  }

  getOwnPropertyDescriptor(_: object, key: Key): PropertyDescriptor | undefined {
    this.#assertReadable()
    if (typeof key === 'symbol') return undefined
    this.#described = this.#upcoming.shift() === key ? key : undefined
    return Object.getOwnPropertyDescriptor(this.#values, key)
  }

  /** To code that compares or enumerates, a store is a plain object without members. */
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
    if (!this.core.isReadable) throw this.core.context.state.unusable()
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
function membersOf(core: StoreCore, pt: ProxiedStore['pt'], selfUpdate: StoreMembers['selfUpdate']): StoreMembers {
  const { changeEvents, autosave } = core
  const { variables, storeName } = core.context
  const get = (name: string) => {
    if (!core.isReadable) throw core.context.state.unusable()
    return variables.get(name)
  }
  const find = (name: string, fallback?: unknown) => {
    const value = get(name)
    // Not `??`: null is a value.
    return value === undefined ? fallback : value
  }
  const values = () => Object.fromEntries(variables.names().map((name) => [name, variables.get(name)]))
  const members = {
    save: () => core.save(),
    saveEvery: (seconds: number) => autosave.saveEvery(seconds),
    // The number of arguments decides: the fallback may be undefined.
    has: (...args: [name: string, fallback?: unknown]) =>
      args.length > 1 ? find(...args) : get(args[0]) !== undefined,
    find,
    remove: (name: string) => core.remove(name),
    zero: (force?: boolean) => core.zero(force === true),
    dirty: () => core.dirty(),
    ready: () => core.isReady,
    exec: (fn: (store: typeof pt) => unknown) => core.exec(() => fn(pt)),
    selfUpdate,
    $on: changeEvents.on.bind(changeEvents),
    $snapshot() {
      if (!core.isReadable) throw core.context.state.unusable()
      return variables.snapshot()
    },
    $subscribe: (listener: () => void) => changeEvents.subscribe(listener),
    get $status() {
      return core.status
    },
    $close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
    toJSON: () => members.$snapshot(),
    // For console.log and util.inspect: https://nodejs.org/api/util.html#utilinspectcustom
    [Symbol.for('nodejs.util.inspect.custom')]: (
      depth: number,
      options: object,
      inspect: (value: unknown, options: object) => string,
    ) => (core.isReadable ? inspect(values(), { ...options, depth }) : `Store ${storeName}: ${core.status.state}`),
  }
  return members as unknown as StoreMembers
}
