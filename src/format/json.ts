/** A value that JSON can hold. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue }

/** The variables of a pool, by name. */
export type JsonObject = { [name: string]: JsonValue }

/**
 * How deep lists and maps may be nested.
 *
 * A Tasmota device reads a thousand levels and more; `JSON.stringify` overflows its stack at about three thousand.
 */
export const MAX_DEPTH = 1000

/**
 * The default of the option maxBytes, in bytes: a larger payload is there by mistake.
 *
 * Each save sends the whole pool, and its values take many times that memory; a broker would deliver up to 256 MB.
 */
export const MAX_POOL_BYTES: number = 16 * 2 ** 20

/** Further limits on values, for pools that devices read, too. */
export interface ValueRules {
  /** Numbers have 32 bits before the point, strings no NUL and no lone surrogate: Tasmota's Berry cannot read others. */
  readonly tasmota: boolean
  /** The values come from a payload, and are taken unchecked. */
  readonly loaded?: true
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** Why a string, value or name, cannot be stored; undefined: it can. */
export function stringFault(text: string, rules: ValueRules): string | undefined {
  if (!rules.tasmota) return undefined
  if (text.includes('\0')) return 'a string with a NUL character, which cuts it short on a Tasmota device'
  if (LONE_SURROGATE.test(text)) return 'a string with half a surrogate pair, which a Tasmota device cannot read'
  return undefined
}

/** Why a value that is no object cannot be stored; undefined: it can. */
export function primitiveFault(value: unknown, rules: ValueRules): string | undefined {
  switch (typeof value) {
    case 'boolean':
      return undefined
    case 'string':
      return stringFault(value, rules)
    case 'number':
      if (!Number.isFinite(value)) return `${value}, which JSON cannot hold`
      if (rules.tasmota && Number.isInteger(value) && (value > 0x7fffffff || value < -0x80000000)) {
        return `the integer ${value}, which is outside a Tasmota device's 32 bits`
      }
      // Berry of 2024 counts the digits before the point in 32 bits: 3000000000.5 becomes -1294967296.
      if (rules.tasmota && !Number.isInteger(value) && Math.abs(value) >= 2 ** 31) {
        return `${value}, whose digits before the point are outside a Tasmota device's 32 bits`
      }
      return undefined
    default:
      return value === null ? undefined : describe(value)
  }
}

/** What a value is, for a message: `a Date`, `a function`, `undefined`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'bigint') return `the bigint ${value}n`
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'a list'
  const maker: unknown = Object.getPrototypeOf(value)?.constructor
  return typeof maker === 'function' && maker.name !== '' && maker !== Object ? `a ${maker.name}` : 'an object'
}

/** Is it an object literal, of this realm or another, or one without a prototype? */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Is it a list or a map? */
export function isContainer(value: JsonValue): value is JsonValue[] | JsonObject {
  return typeof value === 'object' && value !== null
}

/** Is it a JSON map (RFC 8259 calls it an object), and neither a list nor null? */
export function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sets an own property of any name: `__proto__` becomes a property, too, never the prototype. */
export function put(target: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    ;(target as Record<string, unknown>)[name] = value
  }
}

/** The value of an own property; undefined for inherited ones, such as constructor and toString. */
export function ownValue<Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

/** One step of a path, as a program writes it: `.limits`, `[2]`, `["odd name"]`. */
export function pathStep(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** Are two values the same JSON? The order of names does not matter: devices write them in an order of their own. */
export function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameJson(item, b[index]))
  }
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
}
