import type { ServerAttempt } from '../../mqtt/connect.ts'
import { type ConnectionFailure, wasClosed } from '../../mqtt/failure.ts'
import { nextHandshake } from '../../mqtt/handshake.ts'
import type { FencePlace } from './fence.ts'
import type { PoolAddress } from './pool-address.ts'

/** One way to open a pool. */
export interface Attempt extends ServerAttempt {
  /** An owner begins with the one that all owners of the pool begin with: the broker ends the owner before. */
  readonly clientId: string
  /** Whether the session uses topics beside the pool's: an owner says there that it is one, and editors ask. */
  readonly usesSideTopics: boolean
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
  // Another owner may be opening the pool at this moment. Both go on, and the later of the two is the owner.
  if (wasClosed(failure) && attempt.clientId !== clientId) return { ...attempt, clientId }
  const isClosed = reached !== undefined && wasClosed(failure)
  // It may be a link that broke, or a broker that wants to be waited for.
  if (isClosed && !attempt.isRepeated) return { ...attempt, isPipelined: false, isRepeated: true }
  if (attempt.usesSideTopics && (isClosed || isForbidden(failure))) return { ...attempt, usesSideTopics: false }
  if (!isClosed) return undefined
  // Some brokers answer a message that they do not allow by closing.
  const fencePlace = NEXT_PLACE[reached]
  return fencePlace === undefined ? 'unreadable' : { ...attempt, fencePlace }
}

/** Not authorized: some brokers refuse the CONNECT for a will that this user may not publish. */
function isForbidden(failure: ConnectionFailure): boolean {
  return failure.kind === 'refused' && (failure.code === 0x05 || failure.code === 0x87)
}
