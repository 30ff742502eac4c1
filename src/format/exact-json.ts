import { type JsonValue, put } from './json.ts'
import { parseJson, readJson } from './parse-json.ts'

/** A number as a text has it, where JavaScript writes it otherwise: `1.0`, or `9007199254740993`, which it rounds. */
export class WrittenNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** What JavaScript makes of it. */
  get value(): number {
    return Number(this.text)
  }

  /** Is that another number? */
  get isRounded(): boolean {
    return decimal(this.text) !== decimal(String(this.value))
  }
}

/** A JSON value in which numbers keep the digits of their text. */
export type ExactJson = null | boolean | number | string | WrittenNumber | ExactJson[] | ExactObject

export type ExactObject = { [name: string]: ExactJson }

/** Numbers of 16 characters and more, with an exponent, that end with a zero behind the point, and -0. */
const UNUSUAL = /(?<![^[:,\s])(?=-0(?![.\d])|-?(?:\d[\d.]{15}|\d+(?:\.\d+)?[eE]|\d+\.\d*0(?!\d)))-?\d[\d.eE+-]*/g

/** May a JSON text have a number that JavaScript writes otherwise? Also true for some strings that look like one. */
export function hasWrittenNumbers(text: string): boolean {
  for (const [number] of text.matchAll(UNUSUAL)) if (String(Number(number)) !== number) return true
  return false
}

/** @throws {SyntaxError} */
export function parseExact(text: string): ExactJson {
  const value = parseJson(text)
  return hasWrittenNumbers(text) ? (readJson(text, wordIn) as ExactJson) : value
}

/** The value as JavaScript has it; the same one, if no number in it is written otherwise. */
export function plain(value: ExactJson): JsonValue {
  if (value instanceof WrittenNumber) return value.value
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.values(value)
  const values = inner.map(plain)
  if (values.every((one, index) => one === inner[index])) return value as JsonValue
  if (Array.isArray(value)) return values
  return Object.fromEntries(Object.keys(value).map((name, index) => [name, values[index] as JsonValue]))
}

/** The variables of a pool, from their texts. */
export function exactVariables(texts: ReadonlyMap<string, string>): ExactObject {
  // fromEntries() defines properties, so __proto__ becomes one, too.
  return Object.fromEntries(Array.from(texts, ([name, text]) => [name, parseExact(text)]))
}

/** `JSON.stringify()` of values that may have exact numbers in them. */
export function printExact(value: unknown): string {
  if (value instanceof WrittenNumber) return value.text
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(printExact).join(',')}]`
  const members = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${printExact(inner)}`).join(',')}}`
}

/**
 * Prints a value with the digits that other texts have for it: a number that is the same to JavaScript, at the same place or
 * moved within lists, is written as there. So what nobody has assigned to keeps its text.
 */
export function printLike(value: JsonValue, ...texts: readonly (string | undefined)[]): string {
  const others = withNumbers(texts)
  // Far faster, and most have none.
  return others.length === 0 ? JSON.stringify(value) : printed(value, others)
}

/** {@link printLike} for a value that has digits of its own; they stay. */
export function printExactLike(value: ExactJson, ...texts: readonly (string | undefined)[]): string {
  return printed(value, withNumbers(texts))
}

function withNumbers(texts: readonly (string | undefined)[]): ExactJson[] {
  return texts.filter((text) => text !== undefined && hasWrittenNumbers(text)).map((text) => parseExact(text as string))
}

function printed(value: ExactJson, others: readonly ExactJson[]): string {
  return printExact(withDigits(value, others, movedIn(others), false))
}

/** Is it a map, of a value with exact numbers? */
export function isExactMap(value: ExactJson | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber)
}

/** Are two values the same, with rounded numbers as they are written? The order of names does not matter. */
export function sameExact(a: ExactJson | undefined, b: ExactJson | undefined): boolean {
  if (a instanceof WrittenNumber && b instanceof WrittenNumber) return decimal(a.text) === decimal(b.text)
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameExact(item, b[index]))
  }
  if (!isExactMap(a) || !isExactMap(b)) return a === b
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => Object.hasOwn(b, name) && sameExact(a[name], b[name]))
}

function wordIn(word: string): ExactJson {
  const value = JSON.parse(word) as JsonValue
  return typeof value === 'number' && String(value) !== word ? new WrittenNumber(word) : value
}

/** The rounded numbers in values, by what JavaScript makes of them; undefined: two numbers become the same. */
function movedIn(values: readonly ExactJson[]): Map<number, WrittenNumber | undefined> {
  const found = new Map<number, WrittenNumber | undefined>()
  const note = (value: ExactJson): void => {
    if (value instanceof WrittenNumber) {
      if (!value.isRounded) return
      const isClear = !found.has(value.value) || found.get(value.value)?.text === value.text
      found.set(value.value, isClear ? value : undefined)
    } else if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values(value)) note(inner)
    }
  }
  for (const value of values) note(value)
  return found
}

function withDigits(
  value: ExactJson,
  others: readonly ExactJson[],
  moved: ReadonlyMap<number, WrittenNumber | undefined>,
  isInList: boolean,
): ExactJson {
  if (typeof value === 'number') {
    const same = others.find((other) => other instanceof WrittenNumber && other.value === value)
    return same ?? (isInList ? moved.get(value) : undefined) ?? value
  }
  if (typeof value !== 'object' || value === null || value instanceof WrittenNumber) return value
  if (Array.isArray(value)) {
    const lists = others.filter((other) => Array.isArray(other))
    // Counted from the beginning, and from the end: most lists change at one place.
    const places = (index: number) => lists.flatMap((list) => [list[index], list[index + list.length - value.length]])
    return value.map((item, index) => withDigits(item, present(places(index)), moved, true))
  }
  const maps = others.filter(isExactMap)
  const result: ExactObject = {}
  for (const name of Object.keys(value)) {
    const same = present(maps.map((map) => (Object.hasOwn(map, name) ? map[name] : undefined)))
    put(result, name, withDigits(value[name] as ExactJson, same, moved, isInList))
  }
  return result
}

function present(values: readonly (ExactJson | undefined)[]): ExactJson[] {
  return values.filter((value) => value !== undefined)
}

/** A number in one form for all its texts: digits without zeros at either end, and the exponent. */
function decimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)\.?(\d*)(?:[eE](.*))?$/.exec(text) ?? []
  const digits = whole + fraction
  let [from, end] = [0, digits.length]
  while (digits[from] === '0') from++
  while (end > from && digits[end - 1] === '0') end--
  return from === end ? '0' : `${sign}${digits.slice(from, end)}e${Number(exponent) + whole.length - end}`
}
