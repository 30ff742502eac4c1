import { type JsonValue, put, sameJson } from './json.ts'

const BACKSLASH = 0x5c

/**
 * `JSON.parse`, with the names right in every engine.
 *
 * V8 of Node 24 and 26 can mistake a name with an escape (`"\n"`) for another name with a backslash that the process
 * has read before (https://github.com/nodejs/node/issues/63785). Such names are rare. A text that has one goes to a
 * reader of our own, which leaves only strings, numbers and words to the engine.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): JsonValue {
  const value = JSON.parse(text) as JsonValue
  return hasEscapedName(text) ? (readJson(text, JSON.parse) as JsonValue) : value
}

/** Have both texts the same value? Writers print JSON in their own ways. Undefined is the same as undefined alone. */
export function sameJsonText(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true
  return one !== undefined && other !== undefined && sameJson(parseJson(one), parseJson(other))
}

/** The index of the quote that ends the string that begins at `from`; the length of the text where there is none. */
export function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); ; at = text.indexOf('"', at + 1)) {
    if (at === -1) return text.length
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return at
  }
}

/** Does a name in this JSON have an escape? Most pools have no backslash at all, so one search answers. */
function hasEscapedName(text: string): boolean {
  const colon = /[ \t\n\r]*:/y
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', colon.lastIndex)) {
    // This is the first backslash in its string, so endOfString(), which counts backwards, does not count too far.
    const end = endOfString(text, at - 1)
    colon.lastIndex = end + 1
    if (colon.test(text)) return true
    colon.lastIndex = end + 1
  }
  return false
}

/**
 * Reads well-formed JSON. Without recursion, so that depth cannot overflow the stack: callers limit it.
 *
 * @param wordIn makes a value of a number, or of true, false and null
 */
export function readJson(text: string, wordIn: (word: string) => unknown): unknown {
  const plain = /[^\s,\]}]+/y
  const around: object[] = []
  const top: unknown[] = []
  let inside: object = top
  let name: string | undefined
  const add = (value: unknown) => {
    if (Array.isArray(inside)) inside.push(value)
    else put(inside, name as string, value)
    name = undefined
  }
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[': {
        const begun = text[at] === '{' ? {} : []
        add(begun)
        around.push(inside)
        inside = begun
        break
      }
      case '}':
      case ']':
        inside = around.pop() ?? top
        break
      case '"': {
        const end = endOfString(text, at)
        const string = JSON.parse(text.slice(at, end + 1)) as string
        at = end
        if (Array.isArray(inside) || name !== undefined) add(string)
        else name = string
        break
      }
      case ',':
      case ':':
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        break
      default: {
        plain.lastIndex = at
        const [word = ''] = plain.exec(text) ?? []
        add(wordIn(word))
        at += word.length - 1
      }
    }
  }
  return top[0]
}
