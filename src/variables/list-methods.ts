import type { JsonValue } from '../format/json.ts'
import { type Tracked, trackedOf } from './tracked.ts'

const plain = Array.prototype

/**
 * The methods that change a list in place, as a prototype between the data and Array.prototype.
 *
 * Array.prototype's own would work through the traps too, but set value by value: `sort()` would copy every map in the
 * list. With these, lists and maps that only move stay the same objects, and a bad value changes nothing.
 */
const methods = {
  push(this: JsonValue[], ...values: unknown[]): number {
    const { list, raw } = behind(this)
    const admitted = values.map((value, index) => list.admit(value, raw.length + index))
    for (const value of admitted) plain.push.call(raw, value)
    if (values.length > 0) list.touched()
    return raw.length
  },

  pop(this: JsonValue[]): JsonValue | undefined {
    const { list, raw } = behind(this)
    if (raw.length > 0) list.touched()
    return plain.pop.call(raw)
  },

  shift(this: JsonValue[]): JsonValue | undefined {
    const { list, raw } = behind(this)
    if (raw.length > 0) list.touched()
    return plain.shift.call(raw)
  },

  unshift(this: JsonValue[], ...values: unknown[]): number {
    const { list, raw } = behind(this)
    const admitted = values.map((value, index) => list.admit(value, index))
    plain.splice.call(raw, 0, 0, ...admitted)
    if (values.length > 0) list.touched()
    return raw.length
  },

  splice(this: JsonValue[], ...args: [start: number, deleteCount?: number, ...values: unknown[]]): JsonValue[] {
    const { list, raw } = behind(this)
    const [start, deleteCount, ...values] = args
    const from = Math.trunc(start) || 0
    const first = from < 0 ? Math.max(0, raw.length + from) : Math.min(from, raw.length)
    const admitted = values.map((value, index) => list.admit(value, first + index))
    list.touched()
    // The number of arguments decides: `splice()` removes nothing, `splice(1)` all from there on.
    const removed =
      args.length < 2
        ? plain.splice.apply(raw, args as unknown as [number, number])
        : plain.splice.call(raw, start, deleteCount as number, ...admitted)
    return removed as JsonValue[]
  },

  sort(this: JsonValue[], compare?: (a: JsonValue, b: JsonValue) => number): JsonValue[] {
    const { list, raw } = behind(this)
    plain.sort.call(raw, compare)
    list.touched()
    return this
  },

  reverse(this: JsonValue[]): JsonValue[] {
    const { list, raw } = behind(this)
    plain.reverse.call(raw)
    list.touched()
    return this
  },

  // These two put one value in several places: each place gets its own copy, as with assignments.
  fill(this: JsonValue[], value: unknown, start?: number, end?: number): JsonValue[] {
    const { list, raw } = behind(this)
    const places = plain.fill.call(
      Array.from(raw, () => false),
      true,
      start,
      end,
    )
    const filled = places.map((place, index) => (place ? list.admit(value, index) : (raw[index] as JsonValue)))
    replaceAll(raw, filled)
    list.touched()
    return this
  },

  copyWithin(this: JsonValue[], target: number, start: number, end?: number): JsonValue[] {
    const { list, raw } = behind(this)
    const from = plain.copyWithin.call(Array.from(raw.keys()), target, start, end) as number[]
    const copied = from.map((source, index) => (source === index ? raw[index] : list.admit(raw[source], index)))
    replaceAll(raw, copied as JsonValue[])
    list.touched()
    return this
  },
}

function replaceAll(raw: JsonValue[], values: readonly JsonValue[]): void {
  for (const [index, value] of values.entries()) raw[index] = value
}

/** The list and its data behind the proxy whose method is to change it; throws where it may not be changed. */
function behind(proxy: JsonValue[]): { list: Tracked<JsonValue[]>; raw: JsonValue[] } {
  const list = trackedOf.get(proxy) as Tracked<JsonValue[]> | undefined
  if (list === undefined) throw new TypeError('A list method of a pool was called on something else')
  list.beforeChange()
  return { list, raw: list.raw }
}

/** The prototype of a pool's list data; it inherits all other methods from Array.prototype. */
export const listPrototype: object = Object.create(
  Array.prototype,
  Object.fromEntries(
    Object.entries({ ...methods, constructor: Array }).map(([name, value]) => [
      name,
      { value, writable: true, enumerable: false, configurable: true },
    ]),
  ),
)
