import { MalformedPacket, PROTOCOL_ERROR } from './malformed-packet.ts'
import type { PacketCursor } from './packet-cursor.ts'
import { decodeUtf8 } from './utf8.ts'

/** Reads topics of messages; the last one is remembered, since a topic comes again and again. */
export class TopicCache {
  #topic = ''
  #bytes: Uint8Array = new Uint8Array()

  /** @throws {MalformedPacket} It is no topic name; whether it is empty is left to the caller. */
  read(cursor: PacketCursor): string {
    const bytes = cursor.binary()
    if (this.#isLast(bytes)) return this.#topic
    const topic = decodeUtf8(bytes, 0, bytes.length)
    // [MQTT-3.3.2-2]
    if (/[#+]/.test(topic))
      throw new MalformedPacket(PROTOCOL_ERROR, 'a message to a topic with wildcards [MQTT-3.3.2-2]')
    this.#topic = topic
    this.#bytes = new Uint8Array(bytes)
    return topic
  }

  #isLast(bytes: Uint8Array): boolean {
    const last = this.#bytes
    if (bytes.length !== last.length) return false
    for (let at = 0; at < last.length; at++) if (bytes[at] !== last[at]) return false
    return true
  }
}
