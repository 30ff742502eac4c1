import { checkFirstByte, checkLength, type Phase } from './fixed-header.ts'
import { MALFORMED, MalformedPacket } from './malformed-packet.ts'
import { PacketCursor } from './packet-cursor.ts'
import type { ProtocolVersion, Received } from './packets.ts'
import { readPacket } from './read-packet.ts'
import { TopicCache } from './topic-cache.ts'
import { UnfinishedBody } from './unfinished-body.ts'

/**
 * Takes the packets of a server from what comes, in pieces of any size: for one connection, of a client that has sent
 * CONNECT as `encodeConnect()` makes it.
 *
 * A payload may be a view into the chunk that it came in: nobody may change chunks after they were pushed.
 */
export class PacketReader {
  readonly #version: ProtocolVersion
  readonly #onPacket: (packet: Received) => void
  readonly #topics = new TopicCache()
  readonly #cursor = new PacketCursor(new Uint8Array(), 0, 0)
  readonly #unfinished = new UnfinishedBody()
  #phase: Phase = 'connecting'
  #isDeaf = false
  /** The fixed header of the packet that has begun (2.1.1): its first byte, its length as far as that has come. */
  #first: number | undefined
  #length = 0
  #shift = 0
  #isLengthWhole = false

  /** `onPacket` is called from within `push()`, and must not throw. */
  constructor(version: ProtocolVersion, onPacket: (packet: Received) => void) {
    this.#version = version
    this.#onPacket = onPacket
  }

  /**
   * @throws {MalformedPacket} What came before it has been told; after that, nothing more is read. That may follow a
   * DISCONNECT or a refusal, which then is the reason to give.
   */
  push(chunk: Uint8Array): void {
    if (this.#isDeaf) return
    try {
      let at = 0
      while (at < chunk.length) at = this.#isLengthWhole ? this.#readBody(chunk, at) : this.#readHeader(chunk, at)
    } catch (error) {
      this.#isDeaf = true
      throw error
    }
  }

  /** One byte of it; with the last one of a packet that has no more, that is told. */
  #readHeader(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number
    if (this.#first === undefined) {
      checkFirstByte(byte, this.#phase, this.#version)
      this.#first = byte
      return at + 1
    }
    this.#length |= (byte & 0x7f) << this.#shift
    if (byte > 0x7f) {
      // 2.1.4: four bytes at most.
      if (this.#shift === 21) throw new MalformedPacket(MALFORMED, 'a Remaining Length of more than four bytes (2.1.4)')
      this.#shift += 7
      return at + 1
    }
    // 3.1.1 does not ask for the shortest form (2.2.3), MQTT 5 does [MQTT-1.5.5-1].
    if (byte === 0 && this.#shift > 0 && this.#version === 5) {
      throw new MalformedPacket(MALFORMED, 'a Remaining Length with more bytes than it needs [MQTT-1.5.5-1]')
    }
    checkLength(this.#first >> 4, this.#length, this.#version)
    this.#isLengthWhole = true
    return this.#length === 0 ? this.#readBody(chunk, at + 1) : at + 1
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const unfinished = this.#unfinished
    const end = at + this.#length - unfinished.length
    if (unfinished.length === 0 && end <= chunk.length) {
      this.#tell(chunk, at, end)
      return end
    }
    unfinished.add(chunk.subarray(at, end), this.#length)
    if (end <= chunk.length) this.#tell(unfinished.take(), 0, this.#length)
    return end
  }

  #tell(bytes: Uint8Array, start: number, end: number): void {
    const cursor = this.#cursor
    cursor.bytes = bytes
    cursor.at = start
    cursor.end = end
    const packet = readPacket(this.#first as number, cursor, this.#version, this.#topics)
    this.#first = undefined
    this.#length = this.#shift = 0
    this.#isLengthWhole = false
    if (packet.type === 'connack') this.#phase = packet.reasonCode === 0 ? 'open' : 'over'
    else if (packet.type === 'disconnect') this.#phase = 'over'
    this.#onPacket(packet)
  }
}
