import { PersistError } from '../runtime/errors.ts'
import { encodeText } from './bytes.ts'
import { isMap, type JsonObject, MAX_DEPTH } from './json.ts'
import { type Members, scanMembers } from './members.ts'
import { endOfString, parseJson } from './parse-json.ts'

/** A pool as it came from a backend. */
export interface Payload {
  readonly values: JsonObject
  /** The JSON text of each variable as it was written, so that an unchanged variable is written back unaltered. */
  readonly texts: ReadonlyMap<string, string>
}

/** A pool that was read from bytes. */
export class DecodedPayload implements Payload {
  readonly values: JsonObject
  /** The names of the variables; the engine takes half as long to list them as to read the payload. */
  readonly names: readonly string[]
  /** Just `{"name":text,"name":text}`: every name once, as `JSON.stringify` writes it, and no white space around. */
  readonly bytes: Uint8Array
  /** Where the variables are in `bytes`. */
  readonly members: Members
  #texts: ReadonlyMap<string, string> | undefined

  constructor(values: JsonObject, names: readonly string[], bytes: Uint8Array, members: Members) {
    this.values = values
    this.names = names
    this.bytes = bytes
    this.members = members
  }

  /** A copy of the members, each with a comma behind it. */
  memberBytes(): Uint8Array {
    const { runs } = this.members
    const bytes = new Uint8Array(this.bytes.subarray(runs[0]?.from, runs.at(-1)?.end ?? 0))
    // In the place of the brace.
    if (bytes.length > 0) bytes[bytes.length - 1] = 0x2c
    return bytes
  }

  /** The same pool with other lists and maps, which nobody has seen. */
  copy(): DecodedPayload {
    const values = parseJson(decoder.decode(this.bytes)) as JsonObject
    return new DecodedPayload(values, this.names, this.bytes, this.members)
  }

  /** Cut when they are asked for: a store of a large pool needs few of them. */
  get texts(): ReadonlyMap<string, string> {
    this.#texts ??= memberTexts(decoder.decode(this.bytes))
    return this.#texts
  }
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
): DecodedPayload {
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

/** A pool without variables. */
export function emptyPayload(): DecodedPayload {
  return decodePayload(encodeText('{}'), '')
}

/** The pool in these bytes, or an empty one (null); undefined: the bytes are no pool. */
export function payloadOf(bytes: Uint8Array | null): Payload | undefined {
  try {
    return bytes === null ? emptyPayload() : decodePayload(bytes, '')
  } catch {
    return undefined
  }
}

/** Reads one JSON object, nested at most {@link MAX_DEPTH} deep; for anything else throws the error of `refuse`. */
export function decodeObject(
  bytes: Uint8Array,
  refuse: (reason: string, cause?: unknown) => Error,
  limitBytes: number = Number.POSITIVE_INFINITY,
): DecodedPayload {
  if (bytes.length > limitBytes) throw refuse(`it has ${bytes.length} bytes, and the limit is ${limitBytes}`)
  const text = decoder.decode(bytes)
  // First, since it stops where the text is nested too deep: JSON.parse takes 100 bytes and more for each level.
  const members = scanMembers(bytes)
  if (members === undefined) throw refuse(`nested more than ${MAX_DEPTH} deep`)
  let values: unknown
  try {
    values = parseJson(text)
  } catch (cause) {
    throw refuse(`${bytes.length} bytes that are not JSON (${(cause as Error).message})`, cause)
  }
  if (!isMap(values)) {
    throw refuse(`JSON, but not an object with variables: ${excerpt(text)}`)
  }
  const overflow = members.mayOverflow ? overflowing(values) : undefined
  if (overflow !== undefined) throw refuse(`the variable ${JSON.stringify(overflow)} holds a number beyond 1.8e308`)
  const names = Object.keys(values)
  const isClean = members.isCompact && members.count === names.length && !text.includes(REPLACEMENT)
  if (isClean) return new DecodedPayload(values, names, bytes, members)
  const rewritten = encodeText(joinPayload(memberTexts(text)))
  return new DecodedPayload(values, names, rewritten, scanMembers(rewritten) as Members)
}

/** What the decoder makes of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD'

/** Writes a pool's payload from the JSON texts of its variables. */
export function joinPayload(texts: Iterable<readonly [name: string, text: string]>): string {
  let payload = '{'
  for (const [name, text] of texts) payload += `${payload.length > 1 ? ',' : ''}${JSON.stringify(name)}:${text}`
  return `${payload}}`
}

/** The first variable with a number too large for JavaScript, which a save would change; undefined: there is none. */
function overflowing(values: JsonObject): string | undefined {
  return Object.keys(values).find((name) => holdsInfinity(values[name]))
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity)
}

/** Cuts the text of a JSON object, which may have a comma behind its last member, into the texts of its members. */
export function memberTexts(text: string): Map<string, string> {
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
        depth++
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
