import { MALFORMED, MalformedPacket } from './malformed-packet.ts'

const encoder = new TextEncoder()

/** In the `u` mode of regular expressions a pair is one character, so only halves that stand alone are found. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Writes a text into bytes, which must have room for three bytes a character; returns how many it took.
 *
 * @throws {RangeError} MQTT has no lone surrogates [MQTT-1.5.4-1] and no U+0000 [MQTT-1.5.4-2].
 */
export function encodeUtf8(text: string, into: Uint8Array, what: string): number {
  if (LONE_SURROGATE.test(text)) throw new RangeError(`${what} has half a surrogate pair, which UTF-8 cannot express`)
  if (text.includes('\0')) throw new RangeError(`${what} has the character U+0000, which MQTT does not allow`)
  return encoder.encodeInto(text, into).written
}

/** Keeps U+FEFF at the beginning, too [MQTT-1.5.4-3]. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Up to here a text is put together faster than a decoder is called. */
const SHORT_BYTES = 64

/**
 * The text that some bytes are in UTF-8.
 *
 * @throws {MalformedPacket} They are none [MQTT-1.5.4-1], or have the character U+0000 [MQTT-1.5.4-2].
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT_BYTES) return decodeAny(bytes, start, end)
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === 0 || byte > 0x7f) return decodeAny(bytes, start, end)
    text += String.fromCharCode(byte)
  }
  return text
}

/** Throws as `decodeUtf8()` does, and makes no text where that is not needed. */
export function checkUtf8(bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === 0 || byte > 0x7f) {
      decodeAny(bytes, start, end)
      return
    }
  }
}

function decodeAny(bytes: Uint8Array, start: number, end: number): string {
  const part = bytes.subarray(start, end)
  if (part.includes(0)) throw new MalformedPacket(MALFORMED, 'a string has the character U+0000 [MQTT-1.5.4-2]')
  const text = decoded(part)
  if (text === undefined) throw new MalformedPacket(MALFORMED, 'a string is not UTF-8 [MQTT-1.5.4-1]')
  return text
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
