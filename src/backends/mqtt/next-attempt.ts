import type { ServerAttempt } from '../../mqtt/connect.ts'
import { type ConnectionFailure, wasClosed } from '../../mqtt/failure.ts'
import { nextHandshake } from '../../mqtt/handshake.ts'
import type { FencePlace } from './fence.ts'
import type { PoolAddress } from './pool-address.ts'

/** MQTT 5, 2.4. */
const RETAIN_NOT_SUPPORTED = 0x9a
const QOS_NOT_SUPPORTED = 0x9b

/** One way to open a pool. */
export interface Attempt extends ServerAttempt {
  /** An owner begins with the one that all owners of the pool begin with: the broker ends the owner before. */
  readonly clientId: string
  /** Whether the session uses topics beside the pool's: an owner says there that it is one, and editors ask. */
  readonly usesSideTopics: boolean
  /** An owner's: without, nobody is told when its connection is lost. */
  readonly hasWill: boolean
  readonly fencePlace: FencePlace
  /** Whether it was tried before, but pipelined. */
  readonly isRepeated: boolean
}

const NEXT_PLACE: { readonly [place in FencePlace]: FencePlace | undefined } = {
  private: 'pool',
  pool: 'none',
  none: undefined,
}

/**
 * What to try after an attempt that failed: one step down from it, so that there is an end.
 * 'unreadable': the broker closes at the bare subscription to the pool. Undefined: nothing else would help.
 *
 * @param reached where the fence was at last; undefined: no CONNACK came
 */
export function nextAttempt(
  failure: ConnectionFailure,
  attempt: Attempt,
  reached: FencePlace | undefined,
  { protocolVersion, clientId }: Pick<PoolAddress, 'protocolVersion' | 'clientId'>,
): Attempt | 'unreadable' | undefined {
  const other = reached === undefined && nextHandshake(failure, attempt, protocolVersion)
  if (other) return other
  // CONNACK says it, but a pipelined message at QoS 1 was on its way then.
  if (isQosRefused(failure) && attempt.isPipelined) return { ...attempt, isPipelined: false, isRepeated: true }
  // Another owner may be opening the pool at this moment. Both go on, and the later of the two is the owner.
  if (wasClosed(failure) && attempt.clientId !== clientId) return { ...attempt, clientId }
  const isClosed = wasClosed(failure)
  // It may be a link that broke, or a broker that wants to be waited for.
  if (isClosed && reached !== undefined && !attempt.isRepeated) {
    return { ...attempt, isPipelined: false, isRepeated: true }
  }
  if (reached === undefined) {
    return attempt.hasWill && (isClosed || isWillRefused(failure)) ? { ...attempt, hasWill: false } : undefined
  }
  if (!isClosed) return undefined
  if (attempt.usesSideTopics) return { ...attempt, usesSideTopics: false, hasWill: false }
  // Some brokers answer a message that they do not allow by closing.
  const fencePlace = NEXT_PLACE[reached]
  return fencePlace === undefined ? 'unreadable' : { ...attempt, fencePlace }
}

/**
 * Some brokers refuse the CONNECT for a will that this user may not publish, at a QoS that they do not take, or that is
 * to be retained where nothing is (MQTT 5, 3.2.2.3.5). In MQTT 3.1.1 Mosquitto closes then.
 */
function isWillRefused(failure: ConnectionFailure): boolean {
  return failure.kind === 'refused' && [0x05, 0x87, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED].includes(failure.code)
}

function isQosRefused(failure: ConnectionFailure): boolean {
  return failure.kind === 'disconnect' && failure.code === QOS_NOT_SUPPORTED
}
