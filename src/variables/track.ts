import {
  describe,
  isPlainObject,
  type JsonValue,
  MAX_DEPTH,
  pathStep,
  primitiveFault,
  put,
  stringFault,
  type ValueRules,
} from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { listPrototype } from './list-methods.ts'
import { frozen, type Holder, notStorable, Tracked } from './tracked.ts'

/** Copies and checks a value, and knows the path in it for messages. */
class Copy {
  readonly rules: ValueRules
  readonly #start: () => string
  readonly #steps: (string | number)[]
  readonly #around: object[] = []

  constructor(rules: ValueRules, start: () => string, steps: (string | number)[] = []) {
    this.rules = rules
    this.#start = start
    this.#steps = steps
  }

  refuse(reason: string): PersistError {
    return notStorable(this.#start() + this.#steps.map(pathStep).join(''), reason)
  }

  step(key: string | number, value: unknown, holder: Holder): JsonValue {
    this.#steps.push(key)
    const copy = this.of(value, holder)
    this.#steps.pop()
    return copy
  }

  of(value: unknown, holder: Holder): JsonValue {
    if (typeof value !== 'object' || value === null) {
      const fault = primitiveFault(value, this.rules)
      if (fault !== undefined) throw this.refuse(`it is ${fault}`)
      return primitive(value, this.rules)
    }
    if (holder.depth >= MAX_DEPTH) throw this.#tooDeep()
    this.#around.push(value)
    const copy = Array.isArray(value) ? this.#list(value, holder) : this.#map(value, holder)
    this.#around.pop()
    return copy
  }

  #list(value: readonly unknown[], holder: Holder): JsonValue {
    // The prototype of real lists is a list itself; that of a class which extends Array is not.
    if (!Array.isArray(Object.getPrototypeOf(value))) throw this.refuse('it is a list of a class of its own')
    const list = new TrackedList([], holder)
    for (let index = 0; index < value.length; index++) list.raw[index] = this.step(index, value[index], list)
    const names = Object.keys(value)
    if (names.length > value.length) throw this.refuse(`the list has a property ${names.at(-1)}, which JSON would lose`)
    return list.proxy
  }

  #map(value: object, holder: Holder): JsonValue {
    if (!isPlainObject(value)) throw this.refuse(`it is ${describe(value)}, not plain data`)
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw this.refuse('it has a symbol as a name, which JSON would lose')
    }
    const map = new TrackedMap({}, holder)
    for (const name of Object.keys(value)) {
      const fault = stringFault(name, this.rules)
      if (fault !== undefined) throw this.refuse(`one of its names is ${fault}`)
      put(map.raw, name, this.step(name, (value as Record<string, unknown>)[name], map))
    }
    return map.proxy
  }

  /** A value that is nested too deep mostly holds itself: then the message names the first path at which it does. */
  #tooDeep(): PersistError {
    const seen = new Set<object>()
    const again = this.#around.findIndex((container) => seen.size === seen.add(container).size)
    if (again < 0) {
      this.#steps.splice(3, this.#steps.length, '…')
      return this.refuse(`it is nested more than ${MAX_DEPTH} deep`)
    }
    const ownSteps = this.#around.length
    this.#steps.splice(this.#steps.length - ownSteps + again)
    return this.refuse('it holds itself (a cycle)')
  }
}

/**
 * Copies a value into tracked lists and maps; changes nothing of the pool.
 *
 * @param rules what to check beside JSON
 * @param start returns the path of the holder, for messages; `key` continues it
 * @throws {PersistError} ERR_PERSIST_NOT_STORABLE, naming the path of the first part that is not JSON
 */
export function track(
  value: unknown,
  holder: Holder,
  rules: ValueRules,
  start: () => string,
  key?: string | number,
): JsonValue {
  // Most values are storable primitives: they need no Copy, which is there to name paths.
  if (typeof value !== 'object' && primitiveFault(value, rules) === undefined) return primitive(value, rules)
  return new Copy(rules, start, key === undefined ? [] : [key]).of(value, holder)
}

/** JSON.stringify writes -0 as 0; so a program reads 0 before a restart too. */
function primitive(value: unknown, rules: ValueRules): JsonValue {
  return (value === 0 && !rules.loaded ? 0 : value) as JsonValue
}

class TrackedMap extends Tracked<{ [name: string]: JsonValue }> {
  admit(value: unknown, key: string | number): JsonValue {
    return track(value, this, this.rules, () => this.path(), key)
  }

  set(raw: { [name: string]: JsonValue }, key: string | symbol, value: unknown): boolean {
    this.rules.assertWritable?.()
    if (typeof key === 'symbol') throw this.refuse(key, 'a symbol is no name in JSON')
    if (value === undefined) return this.deleteProperty(raw, key)
    if (value === raw[key] && Object.hasOwn(raw, key)) return true
    const fault = stringFault(key, this.rules)
    if (fault !== undefined) throw this.refuse(key, `its name is ${fault}`)
    put(raw, key, this.admit(value, key))
    this.touched()
    return true
  }

  deleteProperty(raw: { [name: string]: JsonValue }, key: string | symbol): boolean {
    this.rules.assertWritable?.()
    if (typeof key === 'symbol' || !Object.hasOwn(raw, key)) return true
    delete raw[key]
    this.touched()
    return true
  }

  protected copyFrozen(): { [name: string]: JsonValue } {
    const copy = {}
    for (const name of Object.keys(this.raw)) put(copy, name, frozen(this.raw[name] as JsonValue))
    return copy
  }

  protected keyOf(value: unknown): string | undefined {
    return Object.keys(this.raw).find((name) => this.raw[name] === value)
  }
}

/** Its changing methods (`push`, `sort`, …) are in list-methods.ts. */
class TrackedList extends Tracked<JsonValue[]> {
  constructor(raw: JsonValue[], holder: Holder) {
    super(raw, holder)
    Object.setPrototypeOf(raw, listPrototype)
  }

  admit(value: unknown, key: string | number): JsonValue {
    return track(value, this, this.rules, () => this.path(), key)
  }

  // Hides the prototype of list-methods.ts: `deepStrictEqual` compares prototypes.
  getPrototypeOf(): object {
    return Array.prototype
  }

  set(raw: JsonValue[], key: string | symbol, value: unknown): boolean {
    this.rules.assertWritable?.()
    if (key === 'length') return this.#shorten(raw, value)
    const index = typeof key === 'symbol' ? Number.NaN : indexOf(key)
    if (Number.isNaN(index)) throw this.refuse(key, 'a list holds values by number only; use a map for names')
    if (index > raw.length) throw this.refuse(key, `it would leave a hole after ${raw.length} values; use push()`)
    if (value === raw[index] && value !== undefined) return true
    raw[index] = this.admit(value, index)
    this.touched()
    return true
  }

  /** Removes the last value; elsewhere it would leave a hole, which is no JSON. Array.prototype's methods delete at the end only. */
  deleteProperty(raw: JsonValue[], key: string | symbol): boolean {
    this.rules.assertWritable?.()
    const index = typeof key === 'symbol' ? Number.NaN : indexOf(key)
    if (!(index < raw.length)) return true
    if (index < raw.length - 1) throw this.refuse(key, 'deleting it would leave a hole; use splice()')
    return this.#shorten(raw, index)
  }

  #shorten(raw: JsonValue[], length: unknown): boolean {
    if (length === raw.length) return true
    if (typeof length !== 'number' || !(length < raw.length)) {
      throw this.refuse('length', `making the list longer would leave holes; use push()`)
    }
    raw.length = length
    this.touched()
    return true
  }

  protected copyFrozen(): JsonValue[] {
    return Array.from(this.raw, frozen)
  }

  protected keyOf(value: unknown): number | undefined {
    const index = this.raw.indexOf(value as JsonValue)
    return index < 0 ? undefined : index
  }
}

/** The index that a property key stands for, or NaN. */
function indexOf(key: string): number {
  const index = Number(key)
  return Number.isInteger(index) && index >= 0 && String(index) === key ? index : Number.NaN
}
