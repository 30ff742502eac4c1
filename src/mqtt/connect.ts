import { PersistError } from '../runtime/errors.ts'
import type { BrokerAddress } from './address.ts'
import { newClientId } from './client-id.ts'
import { connectError } from './connect-error.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { type ConnectionFailure, ConnectionLost } from './failure.ts'
import { firstHandshake, type Handshake, learn, nextHandshake } from './handshake.ts'
import { isSecure } from './transport/endpoint.ts'

/** How long connecting may take. */
export interface ConnectLimit {
  readonly limitMs: number
  /** One that keeps no process alive, for example. @default setTimeout */
  readonly startTimer?: (fn: () => void, ms: number) => unknown
  /** Ends it earlier, for its own reason. */
  readonly closing?: AbortSignal
}

/** What is tried to connect, one attempt after the other; each has its settings, and may have more. */
export interface Attempts<Attempt extends Handshake, Result> {
  readonly storeName: string
  readonly first: Attempt
  settingsOf(attempt: Attempt): ConnectionSettings
  /**
   * Makes a connection usable, from before CONNACK on where the attempt is pipelined. The attempt has failed too where
   * the connection is lost meanwhile.
   *
   * @param onStep told what is waited for, for the message when it takes too long
   */
  prepare(connection: Connection, attempt: Attempt, onStep: (step: () => string) => void): Promise<Result>
  /**
   * What to try after that failure; undefined: nothing else would help.
   *
   * @param isOpen whether CONNACK came
   */
  next(failure: ConnectionFailure, attempt: Attempt, isOpen: boolean): Attempt | undefined
}

/**
 * Connects to a broker, with MQTT 3.1.1 where it knows no other.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT
 */
export function connect(address: BrokerAddress, limitMs: number): Promise<Connection> {
  // Each with a client id of its own: of two with the same one, the broker ends the older.
  const clientId = newClientId()
  return connectBy<Handshake, Connection>(
    {
      storeName: address.storeName,
      first: firstHandshake(address.protocolVersion, address.endpoint.text),
      settingsOf: ({ protocolVersion }) => ({ ...address, protocolVersion, clientId }),
      prepare: async (connection) => connection,
      next: (failure, tried, isOpen) => (isOpen ? undefined : nextHandshake(failure, tried, address.protocolVersion)),
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
export async function connectBy<Attempt extends Handshake, Result>(
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
      const place = settings.endpoint.text
      const opening = new Connection(settings)
      connection = opening
      let preparing = () => ''
      step = () => (opening.reached === 'mqtt' ? preparing() : stepBeforeConnack(opening, settings))
      try {
        if (!attempt.isPipelined) await opening.opened
        const result = prepare(opening, attempt, (current) => {
          preparing = current
        })
        const [prepared] = await Promise.all([result, opening.opened])
        learn(place, attempt)
        return prepared
      } catch (error) {
        opening.destroy()
        limit.signal.throwIfAborted()
        if (!(error instanceof ConnectionLost)) throw error
        learn(place, undefined)
        const following = next(error.failure, attempt, opening.reached === 'mqtt')
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
  if (reached === 'nothing') return 'a connection to be made: does the host exist, and does a firewall let it through?'
  if (isSecure(endpoint) && reached === 'tcp')
    return 'an answer: what listens there takes connections, but does not begin with TLS'
  return 'CONNACK: what listens there takes connections, but does not answer as an MQTT broker'
}
