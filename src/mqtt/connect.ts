import { PersistError } from '../runtime/errors.ts'
import type { Target } from './address.ts'
import { connectError } from './connect-error.ts'
import { Connection, type ServerLimits } from './connection.ts'
import { ConnectionLost, isOlderBroker } from './failure.ts'

/** A connection that is open, and what the broker said of itself. */
export interface Connected {
  readonly connection: Connection
  readonly limits: ServerLimits
}

/**
 * Connects without looking at any pool; with MQTT 3.1.1 where the broker knows no other.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _OPTION, _TIMEOUT
 */
export async function connect(target: Target, limitMs: number): Promise<Connected> {
  const end = performance.now() + limitMs
  let protocolVersion: 4 | 5 = target.protocolVersion === 4 ? 4 : 5
  for (;;) {
    const connection = new Connection({ ...target, protocolVersion })
    let late: PersistError | undefined
    const timer = setTimeout(
      () => {
        late = lateError(target.store, 'opened', limitMs, stepBeforeConnack(connection, target))
        connection.destroy()
      },
      Math.max(1, end - performance.now()),
    )
    try {
      return { connection, limits: await connection.opened }
    } catch (error) {
      connection.destroy()
      if (late !== undefined) throw late
      if (!(error instanceof ConnectionLost)) throw error
      const { failure } = error
      const { store, endpoint, username, tls } = target
      const attempt = { store, endpoint, protocolVersion, username, hasClientCertificate: tls?.cert !== undefined }
      if (protocolVersion === 4 || target.protocolVersion === 5 || !isOlderBroker(failure)) {
        throw connectError(failure, attempt)
      }
      protocolVersion = 4
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What was not done in time, and what it was waiting for. */
export function lateError(store: string, done: string, limitMs: number, step: string): PersistError {
  const text = `Store ${store} could not be ${done} within ${Math.round(limitMs)} ms. It was waiting for ${step}.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store })
}

/** What a connection is waiting for until CONNACK comes. */
export function stepBeforeConnack({ reached }: Connection, { endpoint }: Target): string {
  const isSecure = endpoint.protocol === 'mqtts' || endpoint.protocol === 'wss'
  if (reached === 'nothing') return 'a connection to be made: does the host exist, and does a firewall let it through?'
  if (isSecure && reached === 'tcp')
    return 'an answer: what listens there takes connections, but does not begin with TLS'
  return 'CONNACK: what listens there takes connections, but does not answer as an MQTT broker'
}
