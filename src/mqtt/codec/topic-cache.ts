import { MalformedPacket, PROTOCOL_ERROR } from './malformed-packet.ts'
import type { PacketCursor } from './packet-cursor.ts'
import { decodeUtf8 } from './utf8.ts'

/** Reads topics of messages; the last one is remembered, since a topic comes again and again. */
export class TopicCache {
  #topic = ''
  #bytes: Uint8Array = new Uint8Array()

  /** @throws {MalformedPacket} It is no topic name; whether it is empty is left to the caller. */
  read(cursor: PacketCursor): string {
    const start = cursor.measured()
    if (this.#isLast(cursor.bytes, start, cursor.at)) return this.#topic
    const topic = decodeUtf8(cursor.bytes, start, cursor.at)
    // [MQTT-3.3.2-2]
    if (/[#+]/.test(topic)) {
      throw new MalformedPacket(PROTOCOL_ERROR, 'a message to a topic with wildcards [MQTT-3.3.2-2]')
    }
    this.#topic = topic
    this.#bytes = new Uint8Array(cursor.bytes.subarray(start, cursor.at))
    return topic
  }

  #isLast(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.#bytes
    if (end - start !== last.length) return false
    for (let at = 0; at < last.length; at++) if (bytes[start + at] !== last[at]) return false
    return true
  }
}
