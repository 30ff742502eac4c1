import type { ProtocolVersion } from './codec/packets.ts'
import { type ConnectionFailure, wasClosed } from './failure.ts'

/** How a connection begins. */
export interface Handshake {
  readonly protocolVersion: ProtocolVersion
  /** Whether more is sent with CONNECT, without waiting for CONNACK, as a client may [MQTT-3.1.4-5]. */
  readonly isPipelined: boolean
}

/** What worked at an address, by its text: a broker that wants something else costs more connections only once. */
const known = new Map<string, Handshake>()

/**
 * How to begin at an address.
 *
 * @param place the address, for people
 */
export function firstHandshake(allowed: 'auto' | ProtocolVersion, place: string): Handshake {
  const { protocolVersion, isPipelined } = known.get(place) ?? { protocolVersion: 5, isPipelined: true }
  return { protocolVersion: allowed === 'auto' ? protocolVersion : allowed, isPipelined }
}

/** It worked at an address. */
export function learn(place: string, { protocolVersion, isPipelined }: Handshake): void {
  known.set(place, { protocolVersion, isPipelined })
}

/** It did not: what worked before is forgotten where another beginning may help, and not where nobody listens now. */
export function forget(place: string, failure: ConnectionFailure): void {
  if (wasClosed(failure) || failure.kind === 'refused') known.delete(place)
}

/**
 * How to begin after a failure before CONNACK; undefined: no other way would help.
 *
 * A broker that knows 3.1.1 only answers MQTT 5 with code 1 of its own time, with 0x84 (MQTT 5, 3.2.2.2), or by closing;
 * one that wants to be waited for closes.
 */
export function nextHandshake<Tried extends Handshake>(
  failure: ConnectionFailure,
  tried: Tried,
  allowed: 'auto' | ProtocolVersion,
): Tried | undefined {
  const { protocolVersion, isPipelined } = tried
  const isOlderLeft = allowed === 'auto' && protocolVersion === 5
  const isUnknown = failure.kind === 'refused' && (failure.code === 0x01 || failure.code === 0x84)
  if (isOlderLeft && (isUnknown || wasClosed(failure))) return { ...tried, protocolVersion: 4 }
  if (!isPipelined || !wasClosed(failure)) return undefined
  return { ...tried, protocolVersion: allowed === 'auto' ? 5 : allowed, isPipelined: false }
}
