import type { ConnectionFailure } from './failure.ts'

/** The versions of MQTT by their protocol level: 4 is 3.1.1. */
export type ProtocolVersion = 4 | 5

/** The version that a client speaks first. */
export function firstProtocol(allowed: 'auto' | ProtocolVersion): ProtocolVersion {
  return allowed === 'auto' ? 5 : allowed
}

/**
 * The version to try after a failure before CONNACK; undefined: no other one would help.
 *
 * A broker that knows 3.1.1 only answers MQTT 5 with code 1 of its own time, with 0x84 (MQTT 5, 3.2.2.2), or by closing.
 */
export function olderProtocol(
  failure: ConnectionFailure,
  tried: ProtocolVersion,
  allowed: 'auto' | ProtocolVersion,
): ProtocolVersion | undefined {
  if (allowed !== 'auto' || tried === 4) return undefined
  const isUnknown = failure.kind === 'refused' && (failure.code === 0x01 || failure.code === 0x84)
  return isUnknown || failure.kind === 'closed' ? 4 : undefined
}
