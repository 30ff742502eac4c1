import { PersistError } from '../../errors.ts'
import { type Attempt, connectError } from './connect-error.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { type ConnectionFailure, ConnectionLost, wasClosed } from './connection-failure.ts'
import { type FencePlace, SubscriptionRefused } from './fence.ts'
import { type Claim, Presence, willOf } from './presence.ts'
import { Session } from './session.ts'

/** Where a pool is, and how to get there. */
export interface Target extends Omit<ConnectionSettings, 'protocolVersion'> {
  /** Name and place, for messages. */
  readonly store: string
  readonly topic: string
  readonly protocolVersion: 'auto' | 4 | 5
  /** There where the pool is to be owned. */
  readonly claim: Claim | undefined
  /** With which an owner opens for the first time: it ends the connection of the owner before. */
  readonly firstClientId: string
}

/** What the last connection has shown about the broker: the next one begins with it. */
export interface Learned {
  protocolVersion: 4 | 5
  fencePlace: FencePlace
  /** An owner may tell that it is one. */
  announces: boolean
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
export async function openSession(
  target: Target,
  learned: Learned,
  signal: AbortSignal,
  onStep: (step: () => string) => void,
): Promise<Session> {
  let { protocolVersion, fencePlace, announces } = learned
  let clientId = learned.wasOpened ? target.clientId : target.firstClientId
  // Each round but the last steps down: from MQTT 5, from the first client id, from telling that it is an owner, and
  // twice with the fence. Six rounds at most.
  for (;;) {
    signal.throwIfAborted()
    const claim = announces ? target.claim : undefined
    const connection = new Connection({ ...target, protocolVersion, clientId, ...(claim && willOf(claim)) })
    const abort = () => connection.destroy()
    signal.addEventListener('abort', abort)
    let session: Session | undefined
    try {
      onStep(() => stepBeforeConnack(connection, target))
      const limits = await connection.opened
      const opened = new Session(connection, limits, target.topic, fencePlace, claim && new Presence(connection, claim))
      session = opened
      onStep(() => opened.step)
      await opened.look()
      learned.protocolVersion = protocolVersion
      learned.fencePlace = opened.fencePlace
      learned.announces = announces
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
      if (mayBeOlder && isOlder(failure)) {
        protocolVersion = 4
      } else if (wasClosed(failure) && clientId !== target.clientId) {
        // Somebody else may be opening it at this moment. Both go on, and who tells so last is the owner.
        clientId = target.clientId
      } else if (claim !== undefined && (isClosed || isForbidden(failure))) {
        announces = false
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

/** Does a broker answer MQTT 5 like this that knows 3.1.1 only? With code 1 of its own time, 0x84, or not at all. */
function isOlder(failure: ConnectionFailure): boolean {
  return failure.kind === 'closed' || (failure.kind === 'refused' && (failure.code === 0x01 || failure.code === 0x84))
}

/** Not authorized: some brokers refuse the CONNECT for a will that this user may not publish. */
function isForbidden(failure: ConnectionFailure): boolean {
  return failure.kind === 'refused' && (failure.code === 0x05 || failure.code === 0x87)
}

function stepBeforeConnack({ reached }: Connection, { endpoint }: Target): string {
  const isSecure = endpoint.protocol === 'mqtts' || endpoint.protocol === 'wss'
  if (reached === 'nothing') return 'a connection to be made: does the host exist, and does a firewall let it through?'
  if (isSecure && reached === 'tcp')
    return 'an answer: what listens there takes connections, but does not begin with TLS'
  return 'CONNACK: what listens there takes connections, but does not answer as an MQTT broker'
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
