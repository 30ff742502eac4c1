import * as Type from './packet-types.ts'
import { PacketWriter } from './packet-writer.ts'
import type { ConnectPacket, ProtocolVersion, Publish, Subscription, Will } from './packets.ts'
import { IN_CONNECT, IN_PUBLISH, IN_WILL } from './properties.ts'
import { writeProperties } from './write-properties.ts'

/** 3.12. */
export const PINGREQ: Uint8Array = Uint8Array.of(Type.PINGREQ << 4, 0)

/** SUBSCRIBE and UNSUBSCRIBE have these flags, whatever they mean [MQTT-3.8.1-1] [MQTT-3.10.1-1]. */
const SUBSCRIBE_FLAGS = 0b0010

/**
 * 3.1, always with Clean Start.
 *
 * @throws {RangeError} MQTT cannot carry a text, number or property of it, or a password alone in 3.1.1.
 */
export function encodeConnect(packet: ConnectPacket, version: ProtocolVersion): Uint8Array {
  const { clientId, keepAliveSeconds, username, password, will, properties } = packet
  if (!Number.isInteger(keepAliveSeconds) || keepAliveSeconds < 0 || keepAliveSeconds > 0xffff) {
    throw new RangeError(`a keep alive of ${keepAliveSeconds} seconds: an integer from 0 to 65,535 is needed`)
  }
  // [MQTT-3.1.2-22] of 3.1.1; MQTT 5 allows it (3.1.2.9).
  if (version === 4 && password !== undefined && username === undefined) {
    throw new RangeError('a password needs a user name in MQTT 3.1.1')
  }
  const writer = new PacketWriter()
  writer.string('MQTT', 'the protocol name')
  writer.byte(version)
  writer.byte(connectFlags(packet))
  writer.uint16(keepAliveSeconds)
  if (version === 5) writeProperties(writer, properties, IN_CONNECT)
  writer.string(clientId, 'the client id')
  if (will !== undefined) writeWill(writer, will, version)
  if (username !== undefined) writer.string(username, 'the user name')
  if (password !== undefined) writer.string(password, 'the password')
  return writer.finish(Type.CONNECT << 4)
}

/** 3.1.2.3. */
function connectFlags({ username, password, will }: ConnectPacket): number {
  const cleanStart = 0b10
  const ofWill = will === undefined ? 0 : 0b100 | (will.qos << 3) | (will.retain ? 0b10_0000 : 0)
  return cleanStart | ofWill | (password === undefined ? 0 : 0b100_0000) | (username === undefined ? 0 : 0b1000_0000)
}

/** 3.1.3.2. */
function writeWill(writer: PacketWriter, { topic, payload, properties }: Will, version: ProtocolVersion): void {
  if (version === 5) writeProperties(writer, properties, IN_WILL)
  writer.string(topicName(topic), 'the topic of the will')
  writer.binary(payload, 'the payload of the will')
}

/**
 * 3.3, the whole packet; the payload is copied into it. As of all encoders, the result is a view: its buffer has other
 * packets, too.
 *
 * @throws {RangeError} MQTT cannot carry a text, number or property of it, or so many bytes.
 */
export function encodePublish(publish: Publish, version: ProtocolVersion): Uint8Array {
  const writer = writeUntilPayload(publish, version)
  writer.bytes(publish.payload)
  return writer.finish(firstByteOf(publish))
}

/** As `encodePublish()`, but without the payload, which is to follow: a long one need not be copied. */
export function encodePublishHeader(publish: Publish, version: ProtocolVersion): Uint8Array {
  return writeUntilPayload(publish, version).finish(firstByteOf(publish), publish.payload.length)
}

function writeUntilPayload(publish: Publish, version: ProtocolVersion): PacketWriter {
  const { topic, qos, packetId, properties } = publish
  const writer = new PacketWriter()
  writer.string(topicName(topic), 'the topic')
  // At QoS 0 there is none [MQTT-2.2.1-2].
  if (qos > 0) writer.uint16(checkedId(packetId))
  if (version === 5) writeProperties(writer, properties, IN_PUBLISH)
  return writer
}

/** 3.3.1; never a DUP, since nothing is sent again. */
function firstByteOf({ qos, retain }: Publish): number {
  return (Type.PUBLISH << 4) | (qos << 1) | (retain ? 1 : 0)
}

/** 3.4, success. In MQTT 5 the reason code is left out, which says the same (3.4.2.1). */
export function encodePuback(packetId: number): Uint8Array {
  const writer = new PacketWriter()
  writer.uint16(checkedId(packetId))
  return writer.finish(Type.PUBACK << 4)
}

/**
 * 3.8.
 *
 * @throws {RangeError} No subscription [MQTT-3.8.3-2], or one with what MQTT cannot carry.
 */
export function encodeSubscribe(
  packetId: number,
  subscriptions: readonly Subscription[],
  version: ProtocolVersion,
): Uint8Array {
  if (subscriptions.length === 0) throw new RangeError('a SUBSCRIBE without a topic')
  const writer = new PacketWriter()
  writer.uint16(checkedId(packetId))
  if (version === 5) writeProperties(writer, undefined, 0)
  for (const { topic, qos, retainHandling = 0 } of subscriptions) {
    writer.string(topicFilter(topic), 'a topic')
    // 3.8.3.1; 3.1.1 has the QoS alone.
    writer.byte(version === 5 ? qos | (retainHandling << 4) : qos)
  }
  return writer.finish((Type.SUBSCRIBE << 4) | SUBSCRIBE_FLAGS)
}

/**
 * 3.10.
 *
 * @throws {RangeError} No topic [MQTT-3.10.3-2], or one that MQTT cannot carry.
 */
export function encodeUnsubscribe(packetId: number, topics: readonly string[], version: ProtocolVersion): Uint8Array {
  if (topics.length === 0) throw new RangeError('an UNSUBSCRIBE without a topic')
  const writer = new PacketWriter()
  writer.uint16(checkedId(packetId))
  if (version === 5) writeProperties(writer, undefined, 0)
  for (const topic of topics) writer.string(topicFilter(topic), 'a topic')
  return writer.finish((Type.UNSUBSCRIBE << 4) | SUBSCRIBE_FLAGS)
}

/**
 * 3.14. In 3.1.1 there is no reason code, so it is left out, as is 0 in MQTT 5 (3.14.2.1).
 *
 * @param reasonCode What MQTT 5 has for a client (3.14.2.1): a `MalformedPacket` tells one. 0 is the normal end, at
 * which the will is not published.
 */
export function encodeDisconnect(version: ProtocolVersion, reasonCode: number = 0): Uint8Array {
  const writer = new PacketWriter()
  // With the property length left out, too, where there are no properties (3.14.2.2.1).
  if (version === 5 && reasonCode !== 0) writer.byte(reasonCode)
  return writer.finish(Type.DISCONNECT << 4)
}

/** [MQTT-2.2.1-3] [MQTT-2.2.1-4] */
function checkedId(id: number | undefined): number {
  if (id !== undefined && Number.isInteger(id) && id >= 1 && id <= 0xffff) return id
  throw new RangeError(`packet identifier ${id}: an integer from 1 to 65,535 is needed`)
}

function topicName(topic: string): string {
  // [MQTT-3.3.2-2]
  if (/[#+]/.test(topic)) throw new RangeError(`'${topic}' is no topic to publish to: it has wildcards`)
  return topicFilter(topic)
}

function topicFilter(topic: string): string {
  // [MQTT-4.7.3-1]
  if (topic === '') throw new RangeError('an empty topic')
  return topic
}
