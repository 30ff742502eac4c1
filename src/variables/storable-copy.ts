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
import { notStorable } from './tracked.ts'

/** Copies and checks a value, and knows the path in it for messages. */
class Copying {
  readonly rules: ValueRules
  /** How many lists and maps are around the value. */
  readonly #depth: number
  readonly #start: () => string
  readonly #steps: (string | number)[]
  readonly #around: object[] = []

  constructor(rules: ValueRules, depth: number, start: () => string, steps: (string | number)[]) {
    this.rules = rules
    this.#depth = depth
    this.#start = start
    this.#steps = steps
  }

  refuse(reason: string): PersistError {
    return notStorable(this.#start() + this.#steps.map(pathStep).join(''), reason)
  }

  step(key: string | number, value: unknown): JsonValue {
    this.#steps.push(key)
    const copy = this.of(value)
    this.#steps.pop()
    return copy
  }

  of(value: unknown): JsonValue {
    if (typeof value !== 'object' || value === null) {
      const fault = primitiveFault(value, this.rules)
      if (fault !== undefined) throw this.refuse(`it is ${fault}`)
      return primitive(value, this.rules)
    }
    if (this.#depth + this.#around.length >= MAX_DEPTH) throw this.#tooDeep()
    this.#around.push(value)
    const copy = Array.isArray(value) ? this.#list(value) : this.#map(value)
    this.#around.pop()
    return copy
  }

  #list(value: readonly unknown[]): JsonValue {
    // The prototype of real lists is a list itself; that of a class which extends Array is not.
    if (!Array.isArray(Object.getPrototypeOf(value))) throw this.refuse('it is a list of a class of its own')
    const list: JsonValue[] = []
    for (let index = 0; index < value.length; index++) list[index] = this.step(index, value[index])
    const names = Object.keys(value)
    if (names.length > value.length) throw this.refuse(`the list has a property ${names.at(-1)}, which JSON would lose`)
    return list
  }

  #map(value: object): JsonValue {
    if (!isPlainObject(value)) throw this.refuse(`it is ${describe(value)}, not plain data`)
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw this.refuse('it has a symbol as a name, which JSON would lose')
    }
    const map = {}
    for (const name of Object.keys(value)) {
      const fault = stringFault(name, this.rules)
      if (fault !== undefined) throw this.refuse(`one of its names is ${fault}`)
      put(map, name, this.step(name, (value as Record<string, unknown>)[name]))
    }
    return map
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
 * Copies a value into plain lists and maps of its own.
 *
 * @param rules what to check beside JSON
 * @param depth how many lists and maps are around the value
 * @param start returns the path of the holder, for messages; `key` continues it
 * @throws {PersistError} ERR_PERSIST_NOT_STORABLE, naming the path of the first part that is not JSON
 */
export function storableCopy(
  value: unknown,
  rules: ValueRules,
  depth: number,
  start: () => string,
  key?: string | number,
): JsonValue {
  // Most values are storable primitives: they need no Copying, which is there to name paths.
  if (typeof value !== 'object' && primitiveFault(value, rules) === undefined) return primitive(value, rules)
  return new Copying(rules, depth, start, key === undefined ? [] : [key]).of(value)
}

/** JSON.stringify writes -0 as 0; so a program reads 0 before a restart too. */
function primitive(value: unknown, rules: ValueRules): JsonValue {
  return (value === 0 && !rules.loaded ? 0 : value) as JsonValue
}
