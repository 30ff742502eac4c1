import { PersistError } from '../runtime/errors.ts'
import type { BrokerAddress } from './address.ts'
import { newClientId } from './client-id.ts'
import { connectError } from './connect-error.ts'
import { Connection, type ConnectionSettings, type ServerLimits } from './connection.ts'
import { type ConnectionFailure, ConnectionLost } from './failure.ts'
import { firstProtocol, olderProtocol } from './older-protocol.ts'

/** A connection that is open, and what the broker said of itself. */
export interface Connected {
  readonly connection: Connection
  readonly limits: ServerLimits
}

/** How long connecting may take. */
export interface ConnectLimit {
  readonly limitMs: number
  /** One that keeps no process alive, for example. @default setTimeout */
  readonly startTimer?: (fn: () => void, ms: number) => unknown
  /** Ends it earlier, for its own reason. */
  readonly closing?: AbortSignal
}

/** What is tried to connect, one attempt after the other; each has its settings, and may have more. */
export interface Attempts<Attempt, Result> {
  readonly storeName: string
  readonly first: Attempt
  settingsOf(attempt: Attempt): ConnectionSettings
  /**
   * Makes a connection usable. The attempt has failed too where the connection is lost meanwhile.
   *
   * @param onStep told what is waited for, for the message when it takes too long
   */
  prepare(connected: Connected, attempt: Attempt, onStep: (step: () => string) => void): Promise<Result>
  /** What to try after that failure; undefined: nothing else would help. */
  next(failure: ConnectionFailure, attempt: Attempt): Attempt | undefined
}

/**
 * Connects to a broker, with MQTT 3.1.1 where it knows no other.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT
 */
export function connect(address: BrokerAddress, limitMs: number): Promise<Connected> {
  // Each with a client id of its own: of two with the same one, the broker ends the older.
  const clientId = newClientId()
  return connectBy<ConnectionSettings['protocolVersion'], Connected>(
    {
      storeName: address.storeName,
      first: firstProtocol(address.protocolVersion),
      settingsOf: (protocolVersion) => ({ ...address, protocolVersion, clientId }),
      prepare: async (connected) => connected,
      next: (failure, tried) => olderProtocol(failure, tried, address.protocolVersion),
    },
    { limitMs },
  )
}

/**
 * Makes one attempt after the other until a connection can be used; nothing is left behind where none can.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT; the reason of `closing`; what `prepare` or
 * `next` throws
 */
export async function connectBy<Attempt, Result>(
  { storeName, first, settingsOf, prepare, next }: Attempts<Attempt, Result>,
  { limitMs, startTimer = setTimeout, closing }: ConnectLimit,
): Promise<Result> {
  const limit = new AbortController()
  let step = () => ''
  const timer = startTimer(() => limit.abort(lateError(storeName, 'opened', limitMs, step())), limitMs)
  const close = () => limit.abort(closing?.reason)
  if (closing?.aborted) close()
  closing?.addEventListener('abort', close)
  let connection: Connection | undefined
  limit.signal.addEventListener('abort', () => connection?.destroy())
  try {
    for (let attempt = first; ; ) {
      limit.signal.throwIfAborted()
      const settings = settingsOf(attempt)
      const opening = new Connection(settings)
      connection = opening
      step = () => stepBeforeConnack(opening, settings)
      try {
        const limits = await opening.opened
        return await prepare({ connection: opening, limits }, attempt, (current) => {
          step = current
        })
      } catch (error) {
        opening.destroy()
        limit.signal.throwIfAborted()
        if (!(error instanceof ConnectionLost)) throw error
        const following = next(error.failure, attempt)
        if (following === undefined) throw connectError(error.failure, storeName, settings)
        attempt = following
      }
    }
  } finally {
    clearTimeout(timer as number)
    closing?.removeEventListener('abort', close)
  }
}

/** What was not done in time, and what it was waiting for. */
export function lateError(storeName: string, done: string, limitMs: number, step: string): PersistError {
  const text = `Store ${storeName} could not be ${done} within ${Math.round(limitMs)} ms. It was waiting for ${step}.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store: storeName })
}

/** What a connection is waiting for until CONNACK comes. */
function stepBeforeConnack({ reached }: Connection, { endpoint }: ConnectionSettings): string {
  const isSecure = endpoint.protocol === 'mqtts' || endpoint.protocol === 'wss'
  if (reached === 'nothing') return 'a connection to be made: does the host exist, and does a firewall let it through?'
  if (isSecure && reached === 'tcp')
    return 'an answer: what listens there takes connections, but does not begin with TLS'
  return 'CONNACK: what listens there takes connections, but does not answer as an MQTT broker'
}
