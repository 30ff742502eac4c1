import { type ExactJson, type ExactObject, isExactMap, printExact } from '../format/exact-json.ts'
import { CliError, EXIT, usageError } from './io.ts'
import { printable } from './print.ts'

/** A variable, and the way to a value inside it: names of maps, and places in lists. */
export interface Path {
  readonly variable: string
  readonly steps: readonly string[]
}

/**
 * What `VARIABLE[.PATH]` on a command line means: `limits.low`, `tones[2]`, `tones.2`, `["garage door"].open`.
 *
 * A variable whose name has a dot in it is found as it is, if the pool has one.
 */
export function parsePath(text: string, pool: object = {}): Path {
  if (text !== '' && Object.hasOwn(pool, text)) return { variable: text, steps: [] }
  const steps: string[] = []
  // A name, a place in brackets, or a name in brackets as JSON.
  const part = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  while (part.lastIndex < text.length) {
    const match = part.exec(text)
    if (match === null)
      throw usageError(`${printable(text)} is no path to a variable: write limits.low, tones[2], or '["a.b"].c'.`)
    steps.push(match[1] ?? match[2] ?? nameIn(match[3] ?? ''))
  }
  const [variable, ...rest] = steps
  if (variable === undefined) throw usageError('The name of the variable is empty.')
  return { variable, steps: rest }
}

function nameIn(json: string): string {
  try {
    return JSON.parse(json) as string
  } catch (cause) {
    throw usageError(`${printable(json)} in the path is no JSON string.`, { cause })
  }
}

/** The value at a path; undefined: there is none. */
export function valueAt(pool: ExactObject, { variable, steps }: Path): ExactJson | undefined {
  let value = inside(pool, variable)
  for (const step of steps) value = inside(value, step)
  return value
}

function inside(value: ExactJson | undefined, step: string): ExactJson | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(step) ? value[Number(step)] : undefined
  return isExactMap(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

/**
 * The variable with another value at a path in it; undefined removes the value. Unchanged parts are shared.
 *
 * Maps that are missing on the way are made.
 *
 * @throws {CliError} something on the way is neither a map nor a list
 */
export function replacedAt(pool: ExactObject, path: Path, value: ExactJson | undefined): ExactJson | undefined {
  return replaced(inside(pool, path.variable), path.steps, value, path.variable)
}

function replaced(
  at: ExactJson | undefined,
  [step, ...rest]: readonly string[],
  value: ExactJson | undefined,
  where: string,
): ExactJson | undefined {
  if (step === undefined) return value
  if (at !== undefined && !Array.isArray(at) && !isExactMap(at)) {
    throw new CliError(
      EXIT.failed,
      `${printable(where)} is ${printExact(at).slice(0, 40)}, and has nothing inside. Nothing was changed.`,
    )
  }
  const inner = replaced(inside(at, step), rest, value, `${where}.${step}`)
  if (Array.isArray(at)) {
    if (!/^\d+$/.test(step) || Number(step) > at.length) {
      const text = `${printable(where)} is a list of ${at.length}; ${printable(step)} is no place in it. Nothing was changed.`
      throw new CliError(EXIT.failed, text)
    }
    const index = Number(step)
    if (inner === undefined) return at.filter((_, place) => place !== index)
    return [...at.slice(0, index), inner, ...at.slice(index + 1)]
  }
  const entries = Object.entries(at ?? {}).filter(([name]) => name !== step)
  // fromEntries, so that a name like __proto__ is a name like any other.
  const known = Object.entries(at ?? {}).map(([name, old]) => [name, name === step ? inner : old] as const)
  const all = Object.hasOwn(at ?? {}, step) ? known : [...entries, [step, inner] as const]
  return Object.fromEntries(all.filter(([, one]) => one !== undefined)) as ExactObject
}

/** A change of one value as an editor makes it. */
export interface PathChange {
  readonly kind: 'patch' | 'assign'
  /** JSON, for an editor. */
  readonly text: string
}

/**
 * How an editor replaces the value at a path, or removes it (undefined). A merge patch (RFC 7396) where it can say
 * that, since the owner then changes nothing else; else the whole variable. A patch cannot reach into lists or set
 * null.
 */
export function changeAt(pool: ExactObject, path: Path, value: ExactJson | undefined): PathChange {
  const whole = replacedAt(pool, path, value)
  const { variable, steps } = path
  let at = inside(pool, variable)
  let isInMaps = true
  for (const step of steps) {
    isInMaps &&= !Array.isArray(at)
    at = inside(at, step)
  }
  const isPlain = value === undefined || (value !== null && !isExactMap(value))
  if (isInMaps && isPlain) {
    let patch: ExactJson = value ?? null
    for (const step of [...steps].reverse()) patch = Object.fromEntries([[step, patch]])
    return { kind: 'patch', text: printExact(Object.fromEntries([[variable, patch]])) }
  }
  return { kind: 'assign', text: printExact(Object.fromEntries([[variable, whole as ExactJson]])) }
}
