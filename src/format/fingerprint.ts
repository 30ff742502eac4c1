/**
 * A number that stands for bytes, in 53 bits: two multiplicative hashes of 32 bits, after FNV-1a.
 *
 * Only used to recognise what was seen lately; it needs no defence against somebody who looks for collisions.
 */
export function fingerprint(bytes: Uint8Array): number {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  // Four bytes at a time, and by index: this runs over every payload that is saved. Words begin where they are aligned.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2)
  const mix = (part: number) => {
    low = Math.imul(low ^ part, 0x01000193)
    high = Math.imul(high ^ part, 0x85ebca6b)
    // Multiplying carries upwards only: without this, the upper bits of a word would never reach the lower ones.
    low ^= low >>> 15
    high ^= high >>> 13
  }
  for (let index = 0; index < words.length; index++) mix(words[index] as number)
  for (let index = words.length * 4; index < bytes.length; index++) mix(bytes[index] as number)
  mix(bytes.length)
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}
