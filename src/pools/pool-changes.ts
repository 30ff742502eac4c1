import { type JsonValue, ownValue, pathStep, sameJson } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import type { Payload } from '../format/payload.ts'

/** A variable that differs between two pools; undefined: that pool does not have it. */
export interface PoolChange {
  readonly name: string
  readonly before: JsonValue | undefined
  readonly after: JsonValue | undefined
  /** The JSON texts, where the values alone do not show the difference: integers beyond 53 bits. */
  readonly exact?: readonly [before: string, after: string]
}

/** The variables that differ between two pools, by value: 1.0 is 1, and the order of names means nothing. */
export function poolChanges(before: Payload, after: Payload): PoolChange[] {
  const changes: PoolChange[] = []
  for (const name of new Set([...before.texts.keys(), ...after.texts.keys()])) {
    const texts = [before.texts.get(name), after.texts.get(name)] as const
    // The same text is the same value; comparing the texts first makes large pools cheap.
    if (texts[0] === texts[1]) continue
    const [from, to] = [ownValue(before.values, name), ownValue(after.values, name)]
    if (!sameJson(from, to)) changes.push({ name, before: from, after: to })
    else if (!sameIntegers(...texts)) changes.push({ name, before: from, after: to, exact: texts as [string, string] })
  }
  return changes
}

/** Have two texts of the same value the same integers, also those that JavaScript rounds and other languages do not? */
function sameIntegers(one = '', other = ''): boolean {
  if (!/\d{16}/.test(one) || !/\d{16}/.test(other)) return true
  return sameJson(parseJson(withLongIntegers(one)), parseJson(withLongIntegers(other)))
}

/** The same JSON, with integers that JavaScript would round written as strings. */
function withLongIntegers(text: string): string {
  return text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  )
}

/** A change inside a value. The path is like `.low` or `[2]`, and empty for the value itself. */
export interface ValueChange {
  readonly path: string
  readonly before: JsonValue | undefined
  readonly after: JsonValue | undefined
}

/** More changes than these are shown as one change of the map or list around them. */
const FEW = 3

/** Where a value has changed: at a few places inside a map or list, or as a whole. */
export function valueChanges(before: JsonValue | undefined, after: JsonValue | undefined, path = ''): ValueChange[] {
  if (sameJson(before, after)) return []
  const steps = stepsIn(before, after)
  const inner: ValueChange[] = []
  for (const step of steps ?? []) {
    const [from, to] = [before, after].map((value) => inside(value, step))
    inner.push(...valueChanges(from, to, path + (typeof step === 'number' ? `[${step}]` : pathStep(step))))
    if (inner.length > FEW) break
  }
  return inner.length > 0 && inner.length <= FEW ? inner : [{ path, before, after }]
}

/** The names in two maps, or the indexes of two lists of one length; undefined: they can only be compared as a whole. */
function stepsIn(before: JsonValue | undefined, after: JsonValue | undefined): (string | number)[] | undefined {
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) return undefined
  if (Array.isArray(before) !== Array.isArray(after)) return undefined
  if (!Array.isArray(before)) return [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return before.length === (after as JsonValue[]).length ? before.map((_, index) => index) : undefined
}

function inside(value: JsonValue | undefined, step: string | number): JsonValue | undefined {
  if (Array.isArray(value)) return value[step as number]
  return ownValue(value as { [name: string]: JsonValue }, String(step))
}
