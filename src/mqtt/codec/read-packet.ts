import { MALFORMED, MalformedPacket, PROTOCOL_ERROR } from './malformed-packet.ts'
import type { PacketCursor } from './packet-cursor.ts'
import * as Type from './packet-types.ts'
import type { Properties, ProtocolVersion, Received, ReceivedConnack, ReceivedSuback } from './packets.ts'
import { IN_ACKNOWLEDGEMENT, IN_CONNACK, IN_RECEIVED_DISCONNECT } from './properties.ts'
import { readProperties } from './read-properties.ts'
import { readPacketId, readPublish } from './read-publish.ts'
import type { TopicCache } from './topic-cache.ts'

/** Reads a packet of a type that a server may send, from behind its fixed header on. */
export function readPacket(
  first: number,
  cursor: PacketCursor,
  version: ProtocolVersion,
  topics: TopicCache,
): Received {
  switch (first >> 4) {
    case Type.PUBLISH:
      return readPublish(first, cursor, version, topics)
    case Type.PUBACK:
      return readPuback(cursor, version)
    case Type.CONNACK:
      return readConnack(cursor, version)
    case Type.SUBACK:
      return readSuback(cursor, version)
    case Type.UNSUBACK:
      return readUnsuback(cursor, version)
    case Type.DISCONNECT:
      return readDisconnect(cursor)
    default:
      // Of a length that has been checked.
      return { type: 'pingresp' }
  }
}

/** 3.2. */
function readConnack(cursor: PacketCursor, version: ProtocolVersion): ReceivedConnack {
  const flags = cursor.byte()
  const reasonCode = cursor.byte()
  // [MQTT-3.2.2-1]
  if (flags > 1) throw new MalformedPacket(MALFORMED, 'CONNACK with reserved flags [MQTT-3.2.2-1]')
  if (flags === 1) {
    throw reasonCode === 0
      ? // [MQTT-3.2.2-2], and [MQTT-3.2.2-4] for the client; in 3.1.1 [MQTT-3.2.2-1].
        new MalformedPacket(PROTOCOL_ERROR, 'CONNACK with a session, after Clean Start [MQTT-3.2.2-2]')
      : // [MQTT-3.2.2-6]; in 3.1.1 [MQTT-3.2.2-4].
        new MalformedPacket(PROTOCOL_ERROR, 'CONNACK with a refusal and a session [MQTT-3.2.2-6]')
  }
  // A server that does not speak MQTT 5 refuses it in its own way, without properties (3.1.1, 3.2.2).
  const isOlder = version === 4 || (reasonCode !== 0 && cursor.at === cursor.end)
  const properties = isOlder ? {} : readProperties(cursor, IN_CONNACK)
  cursor.finish('CONNACK')
  return { type: 'connack', sessionPresent: false, reasonCode, properties }
}

/** 3.4. */
function readPuback(cursor: PacketCursor, version: ProtocolVersion): Received {
  const packetId = readPacketId(cursor)
  const { reasonCode, properties } =
    version === 4 ? { reasonCode: 0, properties: {} } : readReason(cursor, IN_ACKNOWLEDGEMENT)
  cursor.finish('PUBACK')
  return { type: 'puback', packetId, reasonCode, properties }
}

/** 3.14. */
function readDisconnect(cursor: PacketCursor): Received {
  const { reasonCode, properties } = readReason(cursor, IN_RECEIVED_DISCONNECT)
  cursor.finish('DISCONNECT')
  return { type: 'disconnect', reasonCode, properties }
}

/** A reason code and properties, of which both may be left out, or the properties alone (3.4.2.1, 3.14.2.1). */
function readReason(cursor: PacketCursor, place: number): { reasonCode: number; properties: Properties } {
  const reasonCode = cursor.at < cursor.end ? cursor.byte() : 0
  const properties = cursor.at < cursor.end ? readProperties(cursor, place) : {}
  return { reasonCode, properties }
}

/** 3.9. */
function readSuback(cursor: PacketCursor, version: ProtocolVersion): ReceivedSuback {
  const packetId = readPacketId(cursor)
  const properties = version === 4 ? {} : readProperties(cursor, IN_ACKNOWLEDGEMENT)
  return { type: 'suback', packetId, reasonCodes: readReasonCodes(cursor, 'SUBACK', 'MQTT-3.8.4-6'), properties }
}

/** 3.11. In 3.1.1 the packet identifier is all. */
function readUnsuback(cursor: PacketCursor, version: ProtocolVersion): ReceivedSuback {
  const packetId = readPacketId(cursor)
  if (version === 4) return { type: 'unsuback', packetId, reasonCodes: [], properties: {} }
  const properties = readProperties(cursor, IN_ACKNOWLEDGEMENT)
  return { type: 'unsuback', packetId, reasonCodes: readReasonCodes(cursor, 'UNSUBACK', 'MQTT-3.11.3-2'), properties }
}

/** One for each topic that was asked for, of which there is one at least; `clause` says so. */
function readReasonCodes(cursor: PacketCursor, what: string, clause: string): number[] {
  const codes = Array.from(cursor.bytes.subarray(cursor.at, cursor.end))
  if (codes.length === 0) throw new MalformedPacket(PROTOCOL_ERROR, `${what} without a reason code [${clause}]`)
  return codes
}
