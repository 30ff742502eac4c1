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
