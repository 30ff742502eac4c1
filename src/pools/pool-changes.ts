import {
  type ExactJson,
  type ExactObject,
  isExactMap,
  parseExact,
  sameExact,
  WrittenNumber,
} from '../format/exact-json.ts'
import { pathStep, put } from '../format/json.ts'
import type { Payload } from '../format/payload.ts'

/** A variable that differs between two pools; undefined: that pool does not have it. Numbers that JavaScript rounds keep their text. */
export interface PoolChange {
  readonly name: string
  readonly before: ExactJson | undefined
  readonly after: ExactJson | undefined
}

/** The variables that differ between two pools, by value: 1.0 is 1, and the order of names means nothing. */
export function poolChanges(before: Payload, after: Payload): PoolChange[] {
  const changes: PoolChange[] = []
  for (const name of new Set([...before.texts.keys(), ...after.texts.keys()])) {
    const texts = [before.texts.get(name), after.texts.get(name)] as const
    // The same text is the same value; comparing the texts first makes large pools cheap.
    if (texts[0] === texts[1]) continue
    const [from, to] = texts.map((text) => (text === undefined ? undefined : withRounded(parseExact(text))))
    if (!sameExact(from, to)) changes.push({ name, before: from, after: to })
  }
  return changes
}

/** The same value, in which only integers that JavaScript rounds keep their text. */
function withRounded(value: ExactJson): ExactJson {
  if (value instanceof WrittenNumber) return Number.isInteger(value.value) && value.isRounded ? value : value.value
  if (Array.isArray(value)) return value.map(withRounded)
  if (!isExactMap(value)) return value
  const map: ExactObject = {}
  for (const name of Object.keys(value)) put(map, name, withRounded(value[name] as ExactJson))
  return map
}

/** A change inside a value. The path is like `.low` or `[2]`, and empty for the value itself. */
export interface ValueChange {
  readonly path: string
  readonly before: ExactJson | undefined
  readonly after: ExactJson | undefined
}

/** More changes than these are shown as one change of the map or list around them. */
const FEW = 3

/** Where a value has changed: at a few places inside a map or list, or as a whole. */
export function valueChanges(before: ExactJson | undefined, after: ExactJson | undefined, path = ''): ValueChange[] {
  if (sameExact(before, after)) return []
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
function stepsIn(before: ExactJson | undefined, after: ExactJson | undefined): (string | number)[] | undefined {
  if (isExactMap(before) && isExactMap(after)) return [...new Set([...Object.keys(before), ...Object.keys(after)])]
  if (!Array.isArray(before) || !Array.isArray(after)) return undefined
  return before.length === after.length ? before.map((_, index) => index) : undefined
}

function inside(value: ExactJson | undefined, step: string | number): ExactJson | undefined {
  if (Array.isArray(value)) return value[step as number]
  return isExactMap(value) && Object.hasOwn(value, step) ? value[step] : undefined
}
