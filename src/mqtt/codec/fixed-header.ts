import { hex } from './hex.ts'
import { MALFORMED, MalformedPacket, PROTOCOL_ERROR } from './malformed-packet.ts'
import * as Type from './packet-types.ts'
import type { ProtocolVersion } from './packets.ts'

/** Where a connection is: before CONNACK, after one with success, behind the last packet that may come. */
export type Phase = 'connecting' | 'open' | 'over'

/**
 * Looks at the first byte of a packet, before the rest of it is waited for: what is no MQTT may never send as much as it
 * seems to announce.
 *
 * @throws {MalformedPacket} No packet that a server sends now begins so.
 */
export function checkFirstByte(first: number, phase: Phase, version: ProtocolVersion): void {
  const type = first >> 4
  const hasFlags = type !== Type.PUBLISH && (first & 0xf) !== 0
  if (phase === 'open' && isFromServer(type, version) && type !== Type.CONNACK && !hasFlags) return
  const name = `a packet that begins with ${hex(first)}`
  // Table 2-1. In MQTT 5 15 is AUTH.
  if (type === 0 || (type === Type.AUTH && version === 4)) {
    throw new MalformedPacket(MALFORMED, `${name}, a reserved type (2.1.2)`)
  }
  // [MQTT-4.12.0-6]
  if (type === Type.AUTH) {
    throw new MalformedPacket(PROTOCOL_ERROR, 'AUTH, though no authentication method was named [MQTT-4.12.0-6]')
  }
  // QoS 2 is never used; the others are the client's alone, as is DISCONNECT in 3.1.1 (Table 2-1).
  if (!isFromServer(type, version)) {
    throw new MalformedPacket(PROTOCOL_ERROR, `${name}, which is nothing that a server sends to this client (2.1.2)`)
  }
  // [MQTT-2.1.3-1]; in 3.1.1 [MQTT-2.2.2-1].
  if (hasFlags) throw new MalformedPacket(MALFORMED, `${name}, with flags that are reserved [MQTT-2.1.3-1]`)
  // [MQTT-3.2.0-1]; of DISCONNECT [MQTT-3.14.0-1] says it, too.
  if (phase === 'connecting' && type !== Type.CONNACK) {
    throw new MalformedPacket(PROTOCOL_ERROR, `${name}, before CONNACK [MQTT-3.2.0-1]`)
  }
  // [MQTT-3.2.0-2]
  if (phase === 'open') throw new MalformedPacket(PROTOCOL_ERROR, 'a second CONNACK [MQTT-3.2.0-2]')
  // [MQTT-3.14.4-1]; a CONNACK that refuses is the last one, too [MQTT-3.2.2-7].
  if (phase === 'over') {
    throw new MalformedPacket(PROTOCOL_ERROR, `${name}, after DISCONNECT or a refusal [MQTT-3.14.4-1] [MQTT-3.2.2-7]`)
  }
}

function isFromServer(type: number, version: ProtocolVersion): boolean {
  switch (type) {
    case Type.PUBLISH:
    case Type.PUBACK:
    case Type.SUBACK:
    case Type.UNSUBACK:
    case Type.PINGRESP:
    case Type.CONNACK:
      return true
    default:
      return type === Type.DISCONNECT && version === 5
  }
}

/**
 * As soon as a Remaining Length is known, for packets that have only one.
 *
 * @throws {MalformedPacket} It is not that one.
 */
export function checkLength(type: number, length: number, version: ProtocolVersion): void {
  // 3.13.1; in 3.1.1 3.2.1, 3.4.1 and 3.11.1, too.
  const isShort = version === 4 && (type === Type.CONNACK || type === Type.PUBACK || type === Type.UNSUBACK)
  const expected = type === Type.PINGRESP ? 0 : isShort ? 2 : length
  if (length !== expected) {
    throw new MalformedPacket(
      MALFORMED,
      `a packet of type ${type} with ${length} bytes in place of ${expected} (2.1.4)`,
    )
  }
}
