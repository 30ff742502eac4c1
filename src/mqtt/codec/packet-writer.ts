import { MAXIMUM_LENGTH } from './packet-types.ts'
import { encodeUtf8 } from './utf8.ts'

/** Room for the fixed header: the first byte and a Remaining Length of up to four (2.1.4). */
const HEADER_BYTES = 5

/** Packets are cut from pieces of this size: to allocate each on its own takes longer than to write it. */
const SLAB_BYTES = 16_384

let slab = new Uint8Array(SLAB_BYTES)
let used = 0

/**
 * Writes one packet, from what follows its fixed header on; `finish()` puts that in front. One at a time: the next is
 * begun when this one is finished, or given up after a RangeError.
 */
export class PacketWriter {
  #bytes: Uint8Array = slab
  #start: number = used
  #at: number = used + HEADER_BYTES

  constructor() {
    // For a packet that is nothing but its fixed header.
    this.#need(0)
  }

  byte(value: number): void {
    this.#need(1)
    this.#bytes[this.#at++] = value
  }

  uint16(value: number): void {
    this.#need(2)
    this.#bytes[this.#at++] = value >>> 8
    this.#bytes[this.#at++] = value
  }

  uint32(value: number): void {
    this.uint16(value >>> 16)
    this.uint16(value & 0xffff)
  }

  bytes(bytes: Uint8Array): void {
    this.#need(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** 1.5.6; `what` is for the error. */
  binary(bytes: Uint8Array, what: string): void {
    if (bytes.length > 0xffff) throw tooLong(what)
    this.uint16(bytes.length)
    this.bytes(bytes)
  }

  /** 1.5.4; `what` is for the error. */
  string(text: string, what: string): void {
    // Before room is made for it.
    if (text.length > 0xffff) throw tooLong(what)
    this.#need(2 + 3 * text.length)
    const bytes = this.#bytes
    const start = this.#at + 2
    let length = 0
    while (length < text.length) {
      const code = text.charCodeAt(length)
      if (code === 0 || code > 0x7f) break
      bytes[start + length++] = code
    }
    if (length < text.length) length = encodeUtf8(text, bytes.subarray(start), what)
    if (length > 0xffff) throw tooLong(what)
    this.uint16(length)
    this.#at += length
  }

  /** Leaves room for the length of what comes now, which `endMeasured()` puts there; tells where that begins. */
  beginMeasured(): number {
    this.byte(0)
    return this.#at - this.#start
  }

  endMeasured(begin: number): void {
    const length = this.#at - this.#start - begin
    const extra = sizeOfVariable(length) - 1
    this.#need(extra)
    const start = this.#start + begin
    if (extra > 0) this.#bytes.copyWithin(start + extra, start, this.#at)
    this.#at += extra
    writeVariable(this.#bytes, start - 1, length)
  }

  /**
   * The packet; with `payloadBytes`, all of it but so many bytes that are to follow.
   *
   * @throws {RangeError} It is longer than MQTT allows.
   */
  finish(first: number, payloadBytes: number = 0): Uint8Array {
    const body = this.#start + HEADER_BYTES
    const length = this.#at - body + payloadBytes
    if (length > MAXIMUM_LENGTH) throw new RangeError(`a packet of ${length} bytes: MQTT takes ${MAXIMUM_LENGTH}`)
    const start = body - 1 - sizeOfVariable(length)
    this.#bytes[start] = first
    writeVariable(this.#bytes, start + 1, length)
    if (this.#bytes === slab) used = this.#at
    return this.#bytes.subarray(start, this.#at)
  }

  #need(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const written = this.#bytes.subarray(this.#start, this.#at)
    const size = Math.max(written.length + count, 2 * written.length)
    const bytes = new Uint8Array(Math.max(size, SLAB_BYTES))
    // What is longer is allocated for itself, and not kept for others.
    if (size <= SLAB_BYTES) {
      slab = bytes
      used = 0
    }
    bytes.set(written)
    this.#bytes = bytes
    this.#at -= this.#start
    this.#start = 0
  }
}

function sizeOfVariable(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x20_0000 ? 3 : 4
}

/** 1.5.5: seven bits a byte, the lowest first. */
function writeVariable(bytes: Uint8Array, from: number, value: number): void {
  let at = from
  let left = value
  while (left >= 0x80) {
    bytes[at++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  bytes[at] = left
}

function tooLong(what: string): RangeError {
  return new RangeError(`${what} has more than 65,535 bytes, the most that MQTT takes`)
}
