import { isContainer, type JsonObject, type JsonValue, pathStep, put, type ValueRules } from '../format/json.ts'
import { PersistError } from '../runtime/errors.ts'

/** The rules for values that the backend holds already; those for what a device can read are for new values. */
export const NO_RULES: ValueRules = { tasmota: false, loaded: true }

/** The rules for all variables of one store. */
export interface StoreRules extends ValueRules {
  /** Called before each change; throws where the program may not change the variables. */
  readonly assertWritable?: () => void
}

/** The list or map around a value, or what stands for its variable. */
export interface Holder {
  readonly rules: StoreRules
  /** How many lists and maps are around its values. */
  readonly depth: number
  /** A value in it has changed. */
  touched(): void
  /** The path of a value, as a program writes it: `pt.limits[2]`. */
  pathOf(value: unknown): string
}

/**
 * A list or map of a pool: the plain data, and the proxy through which a program uses it.
 *
 * Assignment copies, so a program never has the data itself, and every change passes these traps. The lists and maps in it
 * are plain data at first; the first time that somebody reads or changes something, their proxies take their places. From
 * then on there is no `get` trap, and a read calls no function.
 */
export abstract class Tracked<Raw extends object = object>
  implements Omit<ProxyHandler<Raw>, 'get' | 'getOwnPropertyDescriptor'>, Holder
{
  /**
   * Undefined once what is in the data is tracked. An own property even so: else each read would search the prototypes for
   * a trap.
   */
  get: ProxyHandler<Raw>['get'] | undefined = getFirst
  getOwnPropertyDescriptor: ProxyHandler<Raw>['getOwnPropertyDescriptor'] | undefined = describeFirst
  readonly raw: Raw
  readonly proxy: Raw
  readonly holder: Holder
  readonly depth: number
  readonly rules: StoreRules
  /** The frozen copy of this list or map as long as nothing in it has changed. */
  #frozen: Raw | undefined

  constructor(raw: Raw, holder: Holder, frozen: Raw | undefined) {
    this.raw = raw
    this.holder = holder
    this.depth = holder.depth + 1
    this.rules = holder.rules
    this.#frozen = frozen
    this.proxy = new Proxy(raw, this as ProxyHandler<Raw>)
    trackedOf.set(this.proxy, this)
  }

  touched(): void {
    this.#frozen = undefined
    this.holder.touched()
  }

  /** A frozen copy that shares every branch which has not changed since the last one. */
  freeze(): Raw {
    this.#frozen ??= frozenCopy(this.raw)
    return this.#frozen
  }

  /** Tracks the lists and maps in it, if they are not tracked yet. */
  trackInside(): void {
    if (this.get === undefined) return
    this.get = this.getOwnPropertyDescriptor = undefined
    this.trackEach(this.#frozen)
  }

  /** Throws where the program may not change the variables. */
  beforeChange(): void {
    this.rules.assertWritable?.()
    this.trackInside()
  }

  /** @param frozen the frozen copy of the data, where there is one */
  protected abstract trackEach(frozen: Raw | undefined): void

  /** The key of a value: a search, since only messages need it. */
  protected abstract keyOf(value: unknown): string | number | undefined

  pathOf(value: unknown): string {
    const key = this.keyOf(value)
    return this.path() + (key === undefined ? '' : pathStep(key))
  }

  path(): string {
    return this.holder.pathOf(this.proxy)
  }

  /** A tracked copy of a value for this list or map; throws ERR_PERSIST_NOT_STORABLE. */
  abstract admit(value: unknown, key: string | number): JsonValue

  protected refuse(key: string | symbol, reason: string): PersistError {
    const path = typeof key === 'symbol' ? `${this.path()}[${String(key)}]` : this.path() + pathStep(key)
    return notStorable(path, reason)
  }

  abstract set(raw: Raw, key: string | symbol, value: unknown): boolean
  abstract deleteProperty(raw: Raw, key: string | symbol): boolean

  defineProperty(raw: Raw, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (!('value' in descriptor) || descriptor.get || descriptor.set) {
      throw this.refuse(key, 'an accessor is not JSON; assign its value')
    }
    return this.set(raw, key, descriptor.value)
  }

  setPrototypeOf(): boolean {
    return false
  }

  // `Object.freeze(pt.list)` is a TypeError: other writers change the list too. `pt.$snapshot()` gives a frozen copy.
  preventExtensions(): boolean {
    return false
  }
}

/** The tracked list or map of a proxy. */
export const trackedOf: WeakMap<object, Tracked> = new WeakMap()

function getFirst(this: Tracked, raw: object, key: string | symbol): unknown {
  this.trackInside()
  return (raw as Record<string | symbol, unknown>)[key]
}

function describeFirst(this: Tracked, raw: object, key: string | symbol): PropertyDescriptor | undefined {
  this.trackInside()
  return Reflect.getOwnPropertyDescriptor(raw, key)
}

/** The frozen copy of a value that a pool holds. */
export function frozen(value: JsonValue): JsonValue {
  if (!isContainer(value)) return value
  return (trackedOf.get(value)?.freeze() ?? frozenCopy(value)) as JsonValue
}

function frozenCopy<Raw extends object>(raw: Raw): Raw {
  if (Array.isArray(raw)) return Object.freeze(Array.from(raw, frozen)) as Raw
  const copy = {}
  for (const name of Object.keys(raw)) put(copy, name, frozen((raw as JsonObject)[name] as JsonValue))
  return Object.freeze(copy) as Raw
}

/** The error for a value that JSON, or a rule of this pool, cannot hold. */
export function notStorable(path: string, reason: string): PersistError {
  return new PersistError('ERR_PERSIST_NOT_STORABLE', `${path} cannot be stored: ${reason}. Nothing was changed.`, {
    path,
  })
}
