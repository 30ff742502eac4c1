import type { PersistError } from '../../errors.ts'
import { connectError } from './connect-error.ts'
import { Connection, type ServerLimits } from './connection.ts'
import { ConnectionLost, isOlderBroker } from './connection-failure.ts'
import { lateError, stepBeforeConnack } from './open-session.ts'
import type { Target } from './target.ts'

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
