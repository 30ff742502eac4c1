import type { Connection } from '../../mqtt/connection.ts'
import { ConnectionLost } from '../../mqtt/failure.ts'
import { type Check, failed, ok } from './check.ts'

/**
 * Are two connections with client ids of their own two clients for the broker? Else it ends the one when the other comes.
 *
 * @param older made before `newer`, and still in use
 */
export async function clientIdCheck(older: Connection, newer: Connection, topic: string): Promise<Check> {
  await newer.subscribe([topic])
  try {
    await older.subscribe([topic])
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
    return failed(
      'client id',
      'the broker ends a connection when this user connects once more: it does not take the client id of each, but the user name for it',
      'Give each program a user of its own, or switch that off (Mosquitto: use_username_as_clientid false).',
    )
  }
  return ok('client id', 'several connections of this user can be there at a time')
}
