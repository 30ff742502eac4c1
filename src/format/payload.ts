import { PersistError } from '../runtime/errors.ts'
import { isMap, type JsonObject, MAX_DEPTH } from './json.ts'
import { endOfString, parseJson } from './parse-json.ts'

/** A pool as it came from a backend. */
export interface Payload {
  readonly values: JsonObject
  /** The JSON text of each variable as it was written, so that an unchanged variable is written back unaltered. */
  readonly texts: ReadonlyMap<string, string>
}

// Not fatal: a device's string need not be valid UTF-8, and one U+FFFD is better than an unreadable pool.
const decoder = new TextDecoder()

/**
 * Reads a pool: one JSON object, nested at most {@link MAX_DEPTH} deep.
 *
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD with the bytes; ERR_PERSIST_TOO_LARGE
 */
export function decodePayload(
  bytes: Uint8Array,
  store: string,
  limitBytes: number = Number.POSITIVE_INFINITY,
): Payload {
  if (bytes.length > limitBytes) throw tooLarge(bytes.length, limitBytes, store)
  return decodeObject(
    bytes,
    (reason, cause) =>
      new PersistError(
        'ERR_PERSIST_BAD_PAYLOAD',
        `What is kept for ${store} is no pool: ${reason}. ` +
          'It is left as it is; its bytes are in error.bytes. zero(true) replaces it with an empty pool.',
        { store, bytes, cause },
      ),
  )
}

/** The pool in these bytes, or an empty one (null); undefined: the bytes are no pool. */
export function payloadOf(bytes: Uint8Array | null): Payload | undefined {
  try {
    return bytes === null ? { values: {}, texts: new Map() } : decodePayload(bytes, '')
  } catch {
    return undefined
  }
}

/** Reads one JSON object, nested at most {@link MAX_DEPTH} deep; for anything else throws the error of `refuse`. */
export function decodeObject(
  bytes: Uint8Array,
  refuse: (reason: string, cause?: unknown) => Error,
  limitBytes: number = Number.POSITIVE_INFINITY,
): Payload {
  if (bytes.length > limitBytes) throw refuse(`it has ${bytes.length} bytes, and the limit is ${limitBytes}`)
  const text = decoder.decode(bytes)
  let values: unknown
  let texts: Map<string, string> | undefined
  try {
    // First, since it stops where the text is nested too deep: JSON.parse takes 100 bytes and more for each level.
    texts = memberTexts(text)
    if (texts !== undefined) values = parseJson(text)
  } catch (cause) {
    throw refuse(`${bytes.length} bytes that are not JSON (${(cause as Error).message})`, cause)
  }
  if (texts === undefined) throw refuse(`nested more than ${MAX_DEPTH} deep`)
  if (!isMap(values)) {
    throw refuse(`JSON, but not an object with variables: ${excerpt(text)}`)
  }
  const overflow = overflowing(values, texts)
  if (overflow !== undefined) throw refuse(`the variable ${JSON.stringify(overflow)} holds a number beyond 1.8e308`)
  return { values, texts }
}

/** Writes a pool's payload from the JSON texts of its variables. */
export function joinPayload(texts: Iterable<readonly [name: string, text: string]>): string {
  let payload = '{'
  for (const [name, text] of texts) payload += `${payload.length > 1 ? ',' : ''}${JSON.stringify(name)}:${text}`
  return `${payload}}`
}

/** The first variable with a number too large for JavaScript, which a save would change; undefined: there is none. */
function overflowing(values: JsonObject, texts: ReadonlyMap<string, string>): string | undefined {
  for (const [name, text] of texts) {
    // Only a long exponent or many digits can be too large; a search for those is cheaper than a walk through all
    // values.
    if (/[eE]\+?\d{3}|\d{200}/.test(text) && holdsInfinity(values[name])) return name
  }
  return undefined
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity)
}

/**
 * Cuts the text of a JSON object into the texts of its members.
 *
 * Brackets and quotes suffice for that. For a text that is no JSON the result is meaningless, or a SyntaxError is
 * thrown. Undefined: the text is nested more than {@link MAX_DEPTH} deep.
 */
function memberTexts(text: string): Map<string, string> | undefined {
  const texts = new Map<string, string>()
  let depth = 0
  let name: string | undefined
  let start: number | undefined
  const take = (end: number) => {
    if (name !== undefined) texts.set(name, text.slice(start, end).trim())
    name = start = undefined
  }
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        // "
        const from = at
        at = endOfString(text, at)
        if (depth === 1 && name === undefined) name = JSON.parse(text.slice(from, at + 1)) as string
        break
      }
      case 0x3a: // :
        if (depth === 1) start ??= at + 1
        break
      case 0x7b: // {
      case 0x5b: // [
        // The braces of the pool itself do not count.
        if (++depth > MAX_DEPTH + 1) return undefined
        break
      case 0x7d: // }
      case 0x5d: // ]
        if (--depth === 0) take(at)
        break
      case 0x2c: // ,
        if (depth === 1) take(at)
        break
    }
  }
  return texts
}

function tooLarge(sizeBytes: number, limitBytes: number, store: string): PersistError {
  return new PersistError(
    'ERR_PERSIST_TOO_LARGE',
    `What is kept for ${store} was not read: it has ${sizeBytes} bytes, the limit is ${limitBytes}. It is left as it ` +
      'is. Set maxBytes to its size if it is your pool; zero(true) replaces it with an empty pool.',
    { store, sizeBytes, limitBytes },
  )
}

function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
