import { PersistError } from '../../runtime/errors.ts'
import type { Pools } from '../pools.ts'
import { type Check, failed, ok, warning } from './check.ts'
import { echoOf } from './probe.ts'

/** Was a connection that was there ended? */
export function isLost(error: unknown): boolean {
  return error instanceof PersistError && error.code === 'ERR_PERSIST_CONNECT'
}

/** Does a message to ourselves come back at QoS 1? */
export async function writeCheck(pools: Pools, topic: string): Promise<Check> {
  const permission = `Give this user read and write permission on ${pools.topics.of('<name>')} and everything below`
  try {
    return await pools.connected(async (connection) => {
      const echo = await echoOf(connection, topic)
      if (typeof echo !== 'string' && connection.limits.maximumQoS === 0) {
        const advice =
          'Set max_qos 1 or 2 (the default) for this listener in mosquitto.conf: saves may get lost at QoS 0.'
        return warning('write', 'the broker takes messages at QoS 0 only, not at QoS 1', advice)
      }
      if (typeof echo !== 'string') return ok('write', 'a message to ourselves comes back at QoS 1')
      const advice = `${permission}.`
      if (echo === 'refused') return failed('write', 'the broker refuses messages of this user', advice)
      if (echo === 'not granted') return failed('write', 'the broker refuses the subscription', advice)
      return failed('write', 'a message was acknowledged and did not come back: the broker drops it silently', advice)
    })
  } catch (error) {
    if (!isLost(error)) throw error
    const advice = `${permission}; and in mosquitto.conf max_qos 1 or 2 (the default).`
    return failed('write', 'the broker closes the connection at a message to ourselves at QoS 1', advice)
  }
}
