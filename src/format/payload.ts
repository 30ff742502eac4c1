import { PersistError } from '../runtime/errors.ts'
import { encodeText, sameBytes } from './bytes.ts'
import { isMap, type JsonObject, MAX_DEPTH } from './json.ts'
import { type Members, scanMembers } from './members.ts'
import { endOfString, parseJson } from './parse-json.ts'
import { nameOf, printRevision, REVISION_NAME, type Revision, revisionIn } from './revision.ts'

/** A pool as it came from a backend. */
export interface Payload {
  readonly values: JsonObject
  /** What its writer says of it; undefined: nothing. */
  readonly revision?: Revision | undefined
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
  readonly revision: Revision | undefined
  #texts: ReadonlyMap<string, string> | undefined

  constructor(values: JsonObject, names: readonly string[], bytes: Uint8Array, members: Members, revision?: Revision) {
    this.revision = revision
    this.values = values
    this.names = names
    this.bytes = bytes
    this.members = members
  }

  /** Which pool it is, whoever has written it. */
  get name(): string {
    return nameOf(this.revision, membersIn(this))
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
    return new DecodedPayload(values, this.names, this.bytes, this.members, this.revision)
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
  const refuse = (reason: string, cause?: unknown) =>
    new PersistError(
      'ERR_PERSIST_BAD_PAYLOAD',
      `What is kept for ${store} is no pool: ${reason}. ` +
        'It is left as it is; its bytes are in error.bytes. zero(true) replaces it with an empty pool.',
      { store, bytes, cause },
    )
  const begun = revisionAtStart(bytes)
  const pool = decodeObject(begun?.rest ?? bytes, refuse)
  if (!Object.hasOwn(pool.values, REVISION_NAME)) return revised(pool, begun?.revision)
  // Somebody else has written it: the member may be anywhere.
  const texts = [...pool.texts].filter(([name]) => name !== REVISION_NAME)
  const rest = decodeObject(encodeText(joinPayload(texts)), refuse)
  return revised(rest, revisionIn(pool.values[REVISION_NAME]))
}

function revised({ values, names, bytes, members }: DecodedPayload, revision?: Revision): DecodedPayload {
  return new DecodedPayload(values, names, bytes, members, revision)
}

/** As stores write it: the first member. */
const START = encodeText(`{"${REVISION_NAME}":"`)

/** The revision of a pool that a store has written, and the rest of the pool, without reading that. */
function revisionAtStart(bytes: Uint8Array): { revision: Revision; rest: Uint8Array } | undefined {
  if (!sameBytes(bytes.subarray(0, START.length), START)) return undefined
  const end = bytes.indexOf(QUOTE, START.length)
  const revision = revisionIn(decoder.decode(bytes.subarray(START.length, end)))
  const behind = bytes[end + 1]
  if (revision === undefined || (behind !== COMMA && behind !== CLOSING_BRACE)) return undefined
  // A copy: not slice(), which copies nothing where the array is one of Node's Buffers.
  const rest = new Uint8Array(bytes.subarray(behind === COMMA ? end + 1 : end))
  rest[0] = OPENING_BRACE
  return { revision, rest }
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** The beginning of a payload with a revision, and a comma for the members behind it. */
export function encodeRevision(revision: Revision): Uint8Array {
  return encodeText(`{"${REVISION_NAME}":"${printRevision(revision)}",`)
}

/**
 * Completes a payload that begins as encodeRevision() has it, for a revision without a hash, with the hash of its variables;
 * returns the revision with it.
 */
export function hashed(payload: Uint8Array, revision: Revision): Revision {
  const start = encodeRevision(revision)
  const id = nameOf(revision, payload.subarray(start.length, payload.length - 1))
  payload.set(encodeText(id), START.length)
  return { ...revision, id }
}

/** A pool as it was written, without its revision; what is no pool stays as it is. */
export function withoutRevision(bytes: Uint8Array): Uint8Array {
  const begun = revisionAtStart(bytes)
  if (begun !== undefined) return begun.rest
  // Most have none, and searching is far cheaper than decoding. A writer may have escaped the dollar sign.
  if (!decoder.decode(bytes).includes(REVISION_NAME.slice(1))) return bytes
  return decodedOrNot(bytes)?.bytes ?? bytes
}

/**
 * A pool as it was written, with a revision in the place of any other; what is no pool stays as it is.
 *
 * @param next without the hash of the variables
 */
export function withRevision(bytes: Uint8Array, next: Revision): Uint8Array {
  const pool = decodedOrNot(bytes)
  if (pool === undefined) return bytes
  const start = encodeRevision({ ...next, id: nameOf(next, membersIn(pool)) })
  if (pool.names.length === 0) {
    start[start.length - 1] = CLOSING_BRACE
    return start
  }
  const own = withoutRevision(bytes)
  const members = own.subarray(own.indexOf(OPENING_BRACE) + 1)
  const written = new Uint8Array(start.length + members.length)
  written.set(start)
  written.set(members, start.length)
  return written
}

/** What is between the braces. */
function membersIn({ bytes }: DecodedPayload): Uint8Array {
  return bytes.subarray(1, bytes.length - 1)
}

/** A pool without variables. */
export function emptyPayload(): DecodedPayload {
  return decodePayload(encodeText('{}'), '')
}

/** The pool in these bytes, or an empty one (null); undefined: the bytes are no pool. */
export function payloadOf(bytes: Uint8Array | null): DecodedPayload | undefined {
  return bytes === null ? emptyPayload() : decodedOrNot(bytes)
}

function decodedOrNot(bytes: Uint8Array): DecodedPayload | undefined {
  try {
    return decodePayload(bytes, '')
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
