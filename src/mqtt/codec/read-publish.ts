import { MALFORMED, MalformedPacket, PROTOCOL_ERROR } from './malformed-packet.ts'
import { PacketCursor } from './packet-cursor.ts'
import type { Properties, ProtocolVersion, Qos, ReceivedPublish } from './packets.ts'
import { IN_RECEIVED_PUBLISH } from './properties.ts'
import { checkProperties, readProperties } from './read-properties.ts'
import type { TopicCache } from './topic-cache.ts'

/** 3.3, its flags in the first byte included. The payload is a view into what the cursor reads. */
export function readPublish(
  first: number,
  cursor: PacketCursor,
  version: ProtocolVersion,
  topics: TopicCache,
): ReceivedPublish {
  const qos = (first >> 1) & 0b11
  const dup = (first & 0b1000) !== 0
  // [MQTT-3.3.1-4]
  if (qos === 3) throw new MalformedPacket(MALFORMED, 'a message with both bits of QoS [MQTT-3.3.1-4]')
  // [MQTT-3.8.4-8]. There is 0x9b, QoS not supported, but only a server may send that (3.14.2.1).
  if (qos === 2) throw new MalformedPacket(PROTOCOL_ERROR, 'a message with QoS 2, never asked for [MQTT-3.8.4-8]')
  // [MQTT-3.3.1-2]
  if (dup && qos === 0) throw new MalformedPacket(PROTOCOL_ERROR, 'a message with DUP at QoS 0 [MQTT-3.3.1-2]')
  const topic = topics.read(cursor)
  const packetId = qos === 0 ? undefined : readPacketId(cursor)
  const propertiesAt = cursor.at
  if (version === 5) checkProperties(cursor, IN_RECEIVED_PUBLISH)
  // [MQTT-4.7.3-1]; MQTT 5 would have it together with a topic alias (3.3.2.1).
  if (topic === '') throw new MalformedPacket(PROTOCOL_ERROR, 'a message without a topic [MQTT-4.7.3-1]')
  return new PublishView(first, topic, packetId, cursor, propertiesAt)
}

/** [MQTT-2.2.1-4] for PUBLISH, and so for what acknowledges it; in 3.1.1 [MQTT-2.3.1-1]. */
export function readPacketId(cursor: PacketCursor): number {
  const id = cursor.uint16()
  if (id === 0) throw new MalformedPacket(PROTOCOL_ERROR, 'the packet identifier 0 [MQTT-2.2.1-4]')
  return id
}

/** What has been checked; its properties are read when they are asked for, which those of one's own echo never are. */
class PublishView implements ReceivedPublish {
  readonly type = 'publish'
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: number | undefined
  readonly #bytes: Uint8Array
  readonly #propertiesAt: number
  readonly #propertiesEnd: number
  #properties: Properties | undefined

  constructor(first: number, topic: string, packetId: number | undefined, cursor: PacketCursor, propertiesAt: number) {
    this.topic = topic
    this.payload = cursor.bytes.subarray(cursor.at, cursor.end)
    this.qos = packetId === undefined ? 0 : 1
    this.retain = (first & 0b1) !== 0
    this.dup = (first & 0b1000) !== 0
    this.packetId = packetId
    this.#bytes = cursor.bytes
    this.#propertiesAt = propertiesAt
    this.#propertiesEnd = cursor.at
  }

  get properties(): Properties {
    this.#properties ??= this.#readProperties()
    return this.#properties
  }

  #readProperties(): Properties {
    // MQTT 3.1.1.
    if (this.#propertiesAt === this.#propertiesEnd) return {}
    return readProperties(new PacketCursor(this.#bytes, this.#propertiesAt, this.#propertiesEnd), IN_RECEIVED_PUBLISH)
  }
}
