import { encodeText } from './bytes.ts'
import { MAX_DEPTH } from './json.ts'

/** A run of members ends with the one that makes it this long, in bytes. */
const RUN_BYTES = 4096
const BACKSLASH = 0x5c
/** So many digits, even with an exponent of two digits, are no number beyond 1.8e308. */
const MAX_DIGITS = 200

/** Members of a JSON object that follow one another in its bytes. */
export interface Run {
  /** Where the first name begins. */
  readonly from: number
  /** The place behind the comma, or behind the brace of the object, that ends the last member. */
  readonly end: number
  /** For each member, `nameHash()` of its name. */
  readonly hashes: Uint32Array
}

/** What the bytes of a JSON object tell without its values being read. */
export interface Members {
  readonly runs: readonly Run[]
  /** How many there are; a name that is there twice counts twice. */
  readonly count: number
  /** No value is a list or a map. */
  readonly isFlat: boolean
  /** There is no white space around names and values, and no escape in a name. */
  readonly isCompact: boolean
  /** A number may be too large for JavaScript: its exponent has three digits, or it has very many itself. */
  readonly mayOverflow: boolean
}

/**
 * Finds the members of a JSON object; undefined: it is nested more than {@link MAX_DEPTH} deep.
 *
 * Brackets and quotes suffice for that: in UTF-8, their bytes are no part of other characters. For what is no JSON object
 * the result is meaningless.
 */
export function scanMembers(bytes: Uint8Array): Members | undefined {
  const runs: Run[] = []
  let hashes: number[] = []
  let from = 0
  let count = 0
  let depth = 0
  let isName = false
  let isFlat = true
  let isCompact = true
  let mayOverflow = false
  const endRun = (end: number) => {
    if (hashes.length > 0) runs.push({ from, end, hashes: new Uint32Array(hashes) })
    count += hashes.length
    hashes = []
    from = end
  }
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    switch (byte) {
      case 0x22: {
        // "
        const end = endOfString(bytes, at)
        if (depth === 1 && isName) {
          hashes.push(hashOf(bytes, at, end))
          isCompact &&= !bytes.subarray(at, end).includes(BACKSLASH)
        }
        at = end
        break
      }
      case 0x3a: // :
        isName = false
        break
      case 0x2c: // ,
        if (depth !== 1) break
        isName = true
        if (at + 1 - from >= RUN_BYTES) endRun(at + 1)
        break
      case 0x7b: // {
      case 0x5b: // [
        // The braces of the object itself do not count.
        if (++depth > MAX_DEPTH + 1) return undefined
        if (depth === 1) {
          from = at + 1
          isName = true
        } else {
          isFlat = false
        }
        break
      case 0x7d: // }
      case 0x5d: // ]
        if (--depth === 0) endRun(at + 1)
        break
      default:
        if (isDigit(byte)) {
          const end = endOfDigits(bytes, at)
          mayOverflow ||= end - at > MAX_DIGITS || hasLongExponent(bytes, end)
          at = end - 1
        } else if (byte <= 0x20 && depth === 1) {
          isCompact = false
        }
    }
  }
  return { runs, count, isFlat, isCompact, mayOverflow }
}

/** A number for a name, as in {@link Run}; different names may have the same. */
export function nameHash(name: string): number {
  const bytes = encodeText(JSON.stringify(name))
  return hashOf(bytes, 0, bytes.length - 1)
}

/** FNV-1a of what is between two quotes. */
function hashOf(bytes: Uint8Array, from: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = from + 1; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return hash >>> 0
}

/** Byte by byte, since most strings are short: a search by the engine takes longer to begin. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = from + 1
  while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from + 1
  while (isDigit(bytes[at])) at++
  return at
}

function hasLongExponent(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return false // e E
  const digits = bytes[at + 1] === 0x2b ? at + 2 : at + 1 // +
  return isDigit(bytes[digits]) && isDigit(bytes[digits + 1]) && isDigit(bytes[digits + 2])
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}
