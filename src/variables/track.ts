import { isContainer, type JsonObject, type JsonValue, put, stringFault } from '../format/json.ts'
import { listPrototype } from './list-methods.ts'
import { storableCopy } from './storable-copy.ts'
import { type Holder, Tracked } from './tracked.ts'

/**
 * Makes a list or map of a pool of plain data, which nobody else has; other values stay as they are.
 *
 * @param frozen the frozen copy of it, where there is one
 */
export function track(value: JsonValue, holder: Holder, frozen?: JsonValue): JsonValue {
  if (!isContainer(value)) return value
  const tracked = Array.isArray(value)
    ? new TrackedList(value, holder, frozen as JsonValue[] | undefined)
    : new TrackedMap(value, holder, frozen as JsonObject | undefined)
  return tracked.proxy
}

class TrackedMap extends Tracked<JsonObject> {
  admit(value: unknown, key: string | number): JsonValue {
    return track(
      storableCopy(value, this.rules, this.depth, () => this.path(), key),
      this,
    )
  }

  set(raw: JsonObject, key: string | symbol, value: unknown): boolean {
    this.beforeChange()
    if (typeof key === 'symbol') throw this.refuse(key, 'a symbol is no name in JSON')
    if (value === undefined) return this.deleteProperty(raw, key)
    if (value === raw[key] && Object.hasOwn(raw, key)) return true
    const fault = stringFault(key, this.rules)
    if (fault !== undefined) throw this.refuse(key, `its name is ${fault}`)
    put(raw, key, this.admit(value, key))
    this.touched()
    return true
  }

  deleteProperty(raw: JsonObject, key: string | symbol): boolean {
    this.beforeChange()
    if (typeof key === 'symbol' || !Object.hasOwn(raw, key)) return true
    delete raw[key]
    this.touched()
    return true
  }

  protected trackEach(frozen: JsonObject | undefined): void {
    for (const name of Object.keys(this.raw)) {
      const value = this.raw[name] as JsonValue
      if (isContainer(value)) this.raw[name] = track(value, this, frozen?.[name])
    }
  }

  protected keyOf(value: unknown): string | undefined {
    return Object.keys(this.raw).find((name) => this.raw[name] === value)
  }
}

/** Its changing methods (`push`, `sort`, …) are in list-methods.ts. */
class TrackedList extends Tracked<JsonValue[]> {
  constructor(raw: JsonValue[], holder: Holder, frozen: JsonValue[] | undefined) {
    super(raw, holder, frozen)
    Object.setPrototypeOf(raw, listPrototype)
  }

  admit(value: unknown, key: string | number): JsonValue {
    return track(
      storableCopy(value, this.rules, this.depth, () => this.path(), key),
      this,
    )
  }

  // Hides the prototype of list-methods.ts: `deepStrictEqual` compares prototypes.
  getPrototypeOf(): object {
    return Array.prototype
  }

  set(raw: JsonValue[], key: string | symbol, value: unknown): boolean {
    this.beforeChange()
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
    this.beforeChange()
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

  protected trackEach(frozen: JsonValue[] | undefined): void {
    for (let index = 0; index < this.raw.length; index++) {
      const value = this.raw[index] as JsonValue
      if (isContainer(value)) this.raw[index] = track(value, this, frozen?.[index])
    }
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
