import type { Duplex } from 'node:stream'
import { CONNECT_BYTES } from './limits.ts'

/** A client sends a packet that is too long. */
class PacketTooLong extends Error {
  constructor(bytes: number, limit: number) {
    super(`it sends a packet of ${bytes} bytes, and ${limit} are allowed`)
  }
}

/** Finds the length of each MQTT packet in a stream of bytes (MQTT 3.1.1, 2.2.3). */
export class PacketSizes {
  readonly #maxBytes: number
  #isFirst = true
  /** How many bytes of the packet are still to come. */
  #left = 0
  /** Where the next seven bits of the length belong; undefined: the next byte is the first of a packet. */
  #shift: number | undefined
  #length = 0

  /** @param maxBytes the longest packet, after the first */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws {PacketTooLong} as soon as its length is known */
  read(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at)
        this.#left -= passed
        at += passed
      } else this.#header(bytes[at++] as number)
    }
  }

  #header(byte: number): void {
    if (this.#shift === undefined) {
      this.#shift = 0
      this.#length = 0
      return
    }
    this.#length |= (byte & 0x7f) << this.#shift
    this.#shift += 7
    // Four bytes at most; Aedes refuses a fifth.
    if (byte >= 0x80 && this.#shift < 28) return
    const limit = this.#isFirst ? Math.min(CONNECT_BYTES, this.#maxBytes) : this.#maxBytes
    const size = this.#length + 1 + this.#shift / 7
    if (size > limit) throw new PacketTooLong(size, limit)
    this.#isFirst = false
    this.#left = this.#length
    this.#shift = undefined
  }
}

/** Ends a connection with an error when it brings a packet that is too long. To be called before anything is read. */
export function limitPackets(connection: Duplex, maxBytes: number): void {
  const sizes = new PacketSizes(maxBytes)
  const read = connection.read.bind(connection)
  // Aedes reads so, and not from an event: nothing else is between the connection and its parser.
  connection.read = (size?: number) => {
    const bytes: Uint8Array | null = read(size)
    if (bytes === null) return null
    try {
      sizes.read(bytes)
      return bytes
    } catch (error) {
      connection.destroy(error as Error)
      return null
    }
  }
}
