export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The text that bytes hold in UTF-8; null where there are none. */
export function textOf(bytes: Uint8Array | null | undefined): string | null {
  return bytes ? new TextDecoder().decode(bytes) : null
}
