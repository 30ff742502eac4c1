import { encodeText } from '../../format/bytes.ts'
import { PersistError } from '../../runtime/errors.ts'
import type { Pools } from '../pools.ts'
import { type Check, ok, warning } from './check.ts'
import { LIMIT_MS, type RetainedMessage } from './probe.ts'

/**
 * Does the broker tell of an owner whose connection is lost?
 *
 * @param topic where owners say who they are; it is left with a retained message
 * @param retained reads that topic on another connection
 */
export async function willCheck(
  pools: Pools,
  topic: string,
  retained: () => Promise<{ readonly messages: readonly RetainedMessage[] }>,
): Promise<Check> {
  const will = { topic, payload: encodeText('"persist-mqtt doctor"'), qos: 1, retain: true } as const
  try {
    await pools.connected(async (connection) => connection.destroy(), { will })
    const end = performance.now() + LIMIT_MS
    do {
      const { messages } = await retained()
      if (messages.length > 0) return ok('will', 'the broker tells when the connection of a program is lost')
    } while (performance.now() < end)
  } catch (error) {
    // The broker refuses the connection for it.
    if (!(error instanceof PersistError)) throw error
  }
  return warning(
    'will',
    'the broker keeps no will, so a program that was killed counts as online until it runs again',
    'Editors wait for its answer; --force writes without. In mosquitto.conf: retain_available true, max_qos 2 (the defaults).',
  )
}
