const PUBLISH = 3

/** Finds where MQTT packets end in a stream of bytes (MQTT 3.1.1 and 5, 2.1). */
export class PacketEnds {
  /** What is left of the packet that has begun. */
  #left = 0
  /** The fixed header, as far as it has come. */
  #header: number[] = []
  #isWanted = false

  /** Where in these bytes the first PUBLISH ends that is acknowledged, QoS 1 or 2; call it with all bytes in their order. */
  endOfPublish(bytes: Buffer): number | undefined {
    let found: number | undefined
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        at += taken
        this.#left -= taken
      } else {
        this.#header.push(bytes[at] as number)
        at += 1
        if (!this.#takeHeader()) continue
      }
      if (this.#left === 0 && this.#isWanted) {
        found ??= at
        this.#isWanted = false
      }
    }
    return found
  }

  /** Is the fixed header whole? A length is up to four bytes, seven bits in each (2.2.3). */
  #takeHeader(): boolean {
    const [first = 0, ...length] = this.#header
    const last = length.at(-1)
    if (last === undefined || (last >= 0x80 && length.length < 4)) return false
    this.#left = length.reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0)
    this.#isWanted = first >> 4 === PUBLISH && (first & 0b110) !== 0
    this.#header = []
    return true
  }
}
