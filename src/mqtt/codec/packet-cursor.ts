import { MALFORMED, MalformedPacket } from './malformed-packet.ts'
import { checkUtf8, decodeUtf8 } from './utf8.ts'

/** Reads the body of a packet, or a part of it, from one value to the next: throws a MalformedPacket beyond its end. */
export class PacketCursor {
  bytes: Uint8Array
  at: number
  end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  byte(): number {
    return this.bytes[this.#take(1)] as number
  }

  uint16(): number {
    const at = this.#take(2)
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)
  }

  uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16()
  }

  /** 1.5.5: seven bits a byte, the lowest first. */
  variable(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte > 0x7f) continue
      // [MQTT-1.5.5-1]
      if (byte === 0 && shift > 0) throw new MalformedPacket(MALFORMED, 'an overlong integer [MQTT-1.5.5-1]')
      return value
    }
    throw new MalformedPacket(MALFORMED, 'an integer of more than four bytes (1.5.5)')
  }

  /** Goes on behind a value that has its length in front (1.5.4, 1.5.6), and tells where it begins. */
  measured(): number {
    return this.#take(this.uint16())
  }

  /** 1.5.4 */
  string(): string {
    const start = this.measured()
    return decodeUtf8(this.bytes, start, this.at)
  }

  /** Throws as `string()` does, and only goes on behind it. */
  checkString(): void {
    const start = this.measured()
    checkUtf8(this.bytes, start, this.at)
  }

  /** 1.5.6; a view. */
  binary(): Uint8Array {
    const start = this.measured()
    return this.bytes.subarray(start, this.at)
  }

  /** Throws where something is left. */
  finish(what: string): void {
    const left = this.end - this.at
    if (left > 0) throw new MalformedPacket(MALFORMED, `${what} has ${left} bytes too many (2.1.4)`)
  }

  #take(count: number): number {
    const at = this.at
    if (at + count > this.end) throw new MalformedPacket(MALFORMED, 'a packet ends within one of its values (2.1.4)')
    this.at = at + count
    return at
  }
}
