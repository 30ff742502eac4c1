import { type JsonValue, ownValue, pathStep, sameJson } from '../format/json.ts'

/** What has changed inside a value; the path is empty for the value itself, else like `.low` or `[2]`. */
export interface ValueChange {
  readonly path: string
  readonly before: JsonValue | undefined
  readonly after: JsonValue | undefined
}

/** More places than this are shown as one change of what is around them. */
const FEW = 3

/** Where exactly a value has changed: in a few places of a map or a list, or as a whole. */
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

/** The names, or places, of two maps, or two lists of the same length; undefined: they are not alike. */
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
