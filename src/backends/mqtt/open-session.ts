import type { Target } from '../../mqtt/address.ts'
import { lateError, stepBeforeConnack } from '../../mqtt/connect.ts'
import { type Attempt, connectError } from '../../mqtt/connect-error.ts'
import { Connection } from '../../mqtt/connection.ts'
import { type ConnectionFailure, ConnectionLost, isOlderBroker, wasClosed } from '../../mqtt/failure.ts'
import { PersistError } from '../../runtime/errors.ts'
import { type FencePlace, SubscriptionRefused } from './fence.ts'
import { type Claim, Presence, willOf } from './owner/claim.ts'
import { Session } from './session.ts'
import type { TopicHandler } from './topic-handler.ts'

/** What a session is for, beside the pool. */
export interface Company {
  /** There where the pool is to be owned. */
  readonly claim: Claim | undefined
  /** What else is listened to on each connection, if the broker lets us. */
  accompany(connection: Connection): readonly TopicHandler[]
  /** With which an owner opens for the first time: it ends the connection of the owner before. */
  readonly firstClientId: string
}

/** What the last connection has shown about the broker: the next one begins with it. */
export interface Learned {
  protocolVersion: 4 | 5
  fencePlace: FencePlace
  /** Topics beside the pool's may be used: an owner tells there that it is one, and editors ask. */
  hasCompany: boolean
  /** The pool was opened, so that whoever owns it now has come later. */
  wasOpened: boolean
}

const NEXT_PLACE: { readonly [place in FencePlace]?: FencePlace } = { private: 'pool', pool: 'none' }

/**
 * Connects and takes the first look, by other ways where the broker wants it so: MQTT 3.1.1, another fence.
 *
 * @param onStep told what is waited for, for the message when it takes too long
 * @throws {PersistError} the signal's reason, if it was aborted
 */
async function openSession(
  target: Target & Company,
  learned: Learned,
  signal: AbortSignal,
  onStep: (step: () => string) => void,
): Promise<Session> {
  let { protocolVersion, fencePlace, hasCompany } = learned
  let wasClosedBefore = false
  let clientId = learned.wasOpened ? target.clientId : target.firstClientId
  // Each round but the last steps down: from MQTT 5, from the first client id, from all but the pool, and
  // twice with the fence. Seven rounds at most.
  for (;;) {
    signal.throwIfAborted()
    const claim = hasCompany ? target.claim : undefined
    const connection = new Connection({ ...target, protocolVersion, clientId, ...(claim && willOf(claim)) })
    const abort = () => connection.destroy()
    signal.addEventListener('abort', abort)
    let session: Session | undefined
    try {
      onStep(() => stepBeforeConnack(connection, target))
      const limits = await connection.opened
      const presence = claim && new Presence(connection, claim)
      const others = hasCompany ? target.accompany(connection) : []
      const opened = new Session(connection, limits, target.topic, fencePlace, presence, others)
      session = opened
      onStep(() => opened.step)
      await opened.probe()
      learned.protocolVersion = protocolVersion
      learned.fencePlace = opened.fencePlace
      learned.hasCompany = hasCompany
      learned.wasOpened = true
      return opened
    } catch (error) {
      connection.destroy()
      signal.throwIfAborted()
      if (error instanceof SubscriptionRefused) throw unreadableError(target, error.reasonCode)
      if (!(error instanceof ConnectionLost)) throw error
      const { failure } = error
      const isClosed = session !== undefined && wasClosed(failure)
      const next = isClosed ? NEXT_PLACE[session?.fencePlace ?? 'none'] : undefined
      const mayBeOlder = session === undefined && protocolVersion === 5 && target.protocolVersion === 'auto'
      if (mayBeOlder && isOlderBroker(failure)) {
        protocolVersion = 4
      } else if (wasClosed(failure) && clientId !== target.clientId) {
        // Somebody else may be opening it at this moment. Both go on, and the later of the two is the owner.
        clientId = target.clientId
      } else if (hasCompany && isClosed && !wasClosedBefore) {
        // Once may be a link that broke.
        wasClosedBefore = true
      } else if (hasCompany && (isClosed || isForbidden(failure))) {
        hasCompany = false
      } else if (next !== undefined) {
        // Some brokers answer a message that they do not allow by closing.
        fencePlace = next
      } else if (isClosed) {
        throw unreadableError(target)
      } else {
        throw connectError(failure, attemptOf(target, protocolVersion))
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}

/** How long opening a session may take. */
export interface OpeningLimit {
  readonly limitMs: number
  /** setTimeout, or one that keeps no process alive. */
  readonly startTimer: (ms: number, fn: () => void) => unknown
  /** Ends it for another reason. */
  readonly closing: AbortSignal
}

/** A session, or an error and nothing left behind when the limit is over. */
export async function openSessionWithin(
  target: Target & Company,
  learned: Learned,
  { limitMs, startTimer, closing }: OpeningLimit,
): Promise<Session> {
  const limit = new AbortController()
  let step = () => ''
  const timer = startTimer(limitMs, () => limit.abort(lateError(target.store, 'opened', limitMs, step())))
  const stop = () => limit.abort(closing.reason)
  if (closing.aborted) stop()
  closing.addEventListener('abort', stop)
  try {
    return await openSession(target, learned, limit.signal, (current) => {
      step = current
    })
  } finally {
    clearTimeout(timer as number)
    closing.removeEventListener('abort', stop)
  }
}

/** Not authorized: some brokers refuse the CONNECT for a will that this user may not publish. */
function isForbidden(failure: ConnectionFailure): boolean {
  return failure.kind === 'refused' && (failure.code === 0x05 || failure.code === 0x87)
}

function unreadableError({ store, topic }: Target, reasonCode?: number): PersistError {
  const how = reasonCode === undefined ? 'closed the connection at' : `refused (0x${reasonCode.toString(16)})`
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `Store ${store} was not opened: the broker ${how} the subscription to ${topic}. Give this user read permission there.`,
    { store, ...(reasonCode !== undefined && { received: reasonCode }) },
  )
}

function attemptOf(target: Target, protocolVersion: 4 | 5): Attempt {
  const { store, endpoint, username, tls } = target
  return { store, endpoint, protocolVersion, username, hasClientCertificate: tls?.cert !== undefined }
}
