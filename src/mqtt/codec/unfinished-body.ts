/** So much is allocated at once, if a packet is as long: most are whole then. */
const FIRST_BYTES = 4096

/**
 * Puts the body of a packet together that comes in pieces. What it allocates follows what has come, not what was
 * announced, and doubles, so that each byte is copied twice or thrice however small the pieces are.
 */
export class UnfinishedBody {
  #bytes: Uint8Array = new Uint8Array()
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds a piece of a body of `total` bytes. */
  add(piece: Uint8Array, total: number): void {
    const length = this.#length + piece.length
    if (length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.min(total, Math.max(length, 2 * this.#bytes.length, FIRST_BYTES)))
      bytes.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = bytes
    }
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }

  /** The whole body, which is let go here. */
  take(): Uint8Array {
    const bytes = this.#bytes
    this.#bytes = new Uint8Array()
    this.#length = 0
    return bytes
  }
}
