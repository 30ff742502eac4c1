const encoder = new TextEncoder()

/** The bytes of a text, in UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text)
}

/** A copy, for a receiver that may change it; null stays null. */
export function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  // Not slice(), which copies nothing where the array is one of Node's Buffers.
  return bytes && new Uint8Array(bytes)
}

/** Are these the same bytes? Null is the same as null. */
export function sameBytes(one: Uint8Array | null | undefined, other: Uint8Array | null | undefined): boolean {
  if (!one || !other) return one === other
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}
