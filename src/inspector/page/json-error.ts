import { texts } from './texts.ts'

/** The line and column, from 1, where a text stops being JSON; undefined: it is JSON. */
export interface JsonError {
  readonly reason: string
  readonly line: number
  readonly column: number
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them in a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y
const WORD = /(?:true|false|null)\b/y

/** What is wrong with a text as JSON, and where. Browsers differ in their messages, and often omit the place. */
export function jsonError(text: string): JsonError | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch {
    const at = wrongAt(text)
    const lines = text.slice(0, at).split('\n')
    const found = text.codePointAt(at)
    const reason =
      found === undefined
        ? texts.jsonEnds
        : found < 32
          ? texts.jsonControl
          : texts.jsonUnexpected(String.fromCodePoint(found))
    return { reason, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  }
}

/** The index of the first character that no JSON text can have there. */
function wrongAt(text: string): number {
  let at = 0
  const open: string[] = []
  /** Which tokens may come next. */
  let wanted: 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'more' = 'value'
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const isThere = pattern.test(text)
    if (isThere) at = pattern.lastIndex
    return isThere
  }
  for (;;) {
    skip(SPACE)
    const next = text[at]
    const end = open.at(-1)
    const isName: boolean = wanted === 'name' || wanted === 'name or end'
    const mayEnd: boolean = wanted === 'value or end' || wanted === 'name or end' || wanted === 'more'
    if (next === undefined) return at
    if (mayEnd && next === end) {
      at++
      open.pop()
      wanted = 'more'
    } else if (wanted === 'colon' || wanted === 'more') {
      if (wanted === 'colon' ? next !== ':' : next !== ',' || end === undefined) return at
      at++
      wanted = wanted === 'more' && end === '}' ? 'name' : 'value'
    } else if (isName || next === '"') {
      if (!skip(STRING)) return next === '"' ? inString(text, at) : at
      wanted = isName ? 'colon' : 'more'
    } else if (next === '{' || next === '[') {
      at++
      open.push(next === '{' ? '}' : ']')
      wanted = next === '{' ? 'name or end' : 'value or end'
    } else if (skip(NUMBER) || skip(WORD)) wanted = 'more'
    else return at
  }
}

/** The index at which a malformed string goes wrong. */
function inString(text: string, start: number): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
  const good = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y
  good.lastIndex = start + 1
  good.test(text)
  return good.lastIndex
}
