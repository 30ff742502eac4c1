const encoder = new TextEncoder()

/** The bytes of a text, in UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text)
}

/** How many bytes a text has in UTF-8. Counted, since encoding a short text takes several times as long. */
export function sizeOfText(text: string): number {
  let size = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    size += unit < 0x800 ? 1 : 2
    // Two units for four bytes; half a pair alone becomes U+FFFD, which has three.
    if (isHalf(unit, 0xd800) && isHalf(text.charCodeAt(at + 1), 0xdc00)) at++
  }
  return size
}

/** Is a unit of UTF-16 the half of a surrogate pair that begins at this one? */
function isHalf(unit: number, first: 0xd800 | 0xdc00): boolean {
  return (unit & 0xfc00) === first
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
