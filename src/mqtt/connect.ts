import { PersistError } from '../runtime/errors.ts'
import { deferred } from '../runtime/promises.ts'
import type { BrokerAddress, Server } from './address.ts'
import type { Backoff } from './backoff.ts'
import { newClientId } from './client-id.ts'
import { connectError } from './connect-error.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { type ConnectionFailure, ConnectionLost } from './failure.ts'
import { firstHandshake, forget, type Handshake, learn, nextHandshake } from './handshake.ts'
import { mayHeal } from './may-heal.ts'
import { isSecure } from './transport/endpoint.ts'

/** How long connecting may take, and how often it is tried. */
export interface ConnectLimit {
  readonly limitMs: number
  /** Until the limit it is tried again after such pauses where that may help. @default each server is tried once */
  readonly pauses?: Backoff | undefined
  /** With `pauses`: told once, when the limit is over, why there is no connection; then it is tried on without a limit. */
  readonly onLate?: ((error: PersistError) => void) | undefined
  /** One that keeps no process alive, for example. @default setTimeout */
  readonly startTimer?: (fn: () => void, ms: number) => unknown
  /** Ends it earlier, for its own reason. */
  readonly closing?: AbortSignal
}

/** One way to connect to a server. */
export interface ServerAttempt extends Handshake {
  readonly server: Server
}

/** What is tried to connect, one attempt after the other; each has its settings, and may have more. */
export interface Attempts<Attempt extends ServerAttempt, Result> {
  readonly storeName: string
  /** In the order in which they are tried. */
  readonly servers: readonly Server[]
  /** How to begin at a server. */
  first(server: Server): Attempt
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
  const clientId = address.givenClientId ?? newClientId()
  return connectBy<ServerAttempt, Connection>(
    {
      storeName: address.storeName,
      servers: address.servers,
      first: (server) => ({ ...firstHandshake(address.protocolVersion, server.endpoint.text), server }),
      settingsOf: ({ protocolVersion, server }) => ({ ...address, ...server, protocolVersion, clientId }),
      prepare: async (connection) => connection,
      next: (failure, tried, isOpen) => (isOpen ? undefined : nextHandshake(failure, tried, address.protocolVersion)),
    },
    { limitMs },
  )
}

/**
 * Tries one server after the other until a connection can be used, and with `pauses` all of them again; nothing is left
 * behind where none can.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT; the reason of `closing`; what `prepare` or
 * `next` throws
 */
export async function connectBy<Attempt extends ServerAttempt, Result>(
  attempts: Attempts<Attempt, Result>,
  { limitMs, pauses, onLate, startTimer = setTimeout, closing }: ConnectLimit,
): Promise<Result> {
  const { storeName, servers } = attempts
  let end = performance.now() + limitMs
  const left = () => end - performance.now()
  let last: Outcome | undefined
  let isTold = false
  for (let round = 1; ; round += 1) {
    for (const [index, server] of servers.entries()) {
      // One that hangs leaves the others their time.
      const share = Math.max(1, left() / (servers.length - index))
      const outcome = await connectAt(server, attempts, share, startTimer, closing)
      if ('result' in outcome) return outcome.result
      const isFinal = 'failure' in outcome && !mayHeal(outcome.failure)
      if (isFinal) throw connectError(outcome.failure, storeName, outcome.settings)
      // An attempt that was cut off before it got anywhere tells less than the one before.
      if (last === undefined || 'failure' in outcome || outcome.hasReached) last = outcome
    }
    if (pauses !== undefined && left() > 0) await paused(Math.min(pauses.next(), left()), startTimer, closing)
    if (pauses !== undefined && left() > 0) continue
    const error = errorOf(last as Outcome, attempts, limitMs, round)
    if (pauses === undefined || onLate === undefined) throw error
    if (!isTold) onLate(error)
    isTold = true
    // From now on: the process may have been stopped for hours.
    end = performance.now() + limitMs
  }
}

/** How it went at one server. */
type Outcome =
  | { readonly failure: ConnectionFailure; readonly settings: ConnectionSettings }
  /** It took too long; `hasReached`: but the server accepted the connection. */
  | { readonly step: string; readonly hasReached: boolean; readonly settings: ConnectionSettings }

/** Makes one attempt after the other at one server, within a limit in milliseconds. */
async function connectAt<Attempt extends ServerAttempt, Result>(
  server: Server,
  { first, settingsOf, prepare, next }: Attempts<Attempt, Result>,
  limitMs: number,
  startTimer: NonNullable<ConnectLimit['startTimer']>,
  closing: AbortSignal | undefined,
): Promise<Outcome | { readonly result: Result }> {
  let connection: Connection | undefined
  let isLate = false
  const timer = startTimer(() => {
    isLate = true
    connection?.destroy()
  }, limitMs)
  const close = () => connection?.destroy()
  closing?.addEventListener('abort', close)
  try {
    for (let attempt = first(server); ; ) {
      closing?.throwIfAborted()
      const settings = settingsOf(attempt)
      const place = settings.endpoint.text
      const opening = new Connection(settings)
      connection = opening
      let preparing = () => ''
      try {
        if (!attempt.isPipelined) await opening.opened
        const prepared = prepare(opening, attempt, (current) => {
          preparing = current
        })
        const [result] = await Promise.all([prepared, opening.opened])
        learn(place, attempt)
        return { result }
      } catch (error) {
        // With a DISCONNECT where it was open: the will is for those who have begun.
        void opening.end()
        closing?.throwIfAborted()
        const { reached } = opening
        const isOpen = reached === 'mqtt'
        if (isLate) {
          const step = isOpen ? preparing() : stepBeforeConnack(opening, settings)
          return { step, hasReached: reached !== 'nothing', settings }
        }
        if (!(error instanceof ConnectionLost)) throw error
        forget(place, error.failure)
        const following = next(error.failure, attempt, isOpen)
        if (following === undefined) return { failure: error.failure, settings }
        attempt = following
      }
    }
  } finally {
    clearTimeout(timer as number)
    closing?.removeEventListener('abort', close)
  }
}

/** The last reason that is known; only where there is none, that it took too long. */
function errorOf(
  last: Outcome,
  { storeName, servers }: { readonly storeName: string; readonly servers: readonly Server[] },
  limitMs: number,
  rounds: number,
): PersistError {
  if ('failure' in last) return connectError(last.failure, storeName, last.settings, rounds > 1 ? limitMs : undefined)
  const where = servers.length > 1 ? `${last.settings.endpoint.text}: ` : ''
  return lateError(storeName, 'opened', limitMs, where + last.step)
}

/** Resolves after a time in milliseconds. */
async function paused(
  ms: number,
  startTimer: NonNullable<ConnectLimit['startTimer']>,
  closing: AbortSignal | undefined,
): Promise<void> {
  const over = deferred<void>()
  const timer = startTimer(() => over.resolve(), ms)
  const close = () => over.resolve()
  closing?.addEventListener('abort', close)
  await over.promise
  clearTimeout(timer as number)
  closing?.removeEventListener('abort', close)
  closing?.throwIfAborted()
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
