import { ConnectionLost } from '../../mqtt/failure.ts'
import { randomHex } from '../../runtime/random-hex.ts'
import type { Pools } from '../pools.ts'
import { type Check, failed, ok } from './check.ts'
import { echoOf } from './probe.ts'

const ADVICE = 'Use a name of letters, digits, - and _: some brokers change or refuse other characters.'

/**
 * Can a pool of this name be kept there? A message to ourselves tells, below the topic of the pool, where nobody listens.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION: at no broker
 */
export async function nameCheck(pools: Pools, name: string): Promise<Check> {
  const [topic] = pools.topics.filters([name])
  const probed = `${topic}/fence/${randomHex(8)}`
  return pools.connected(async (connection) => {
    try {
      const echo = await echoOf(connection, probed)
      if (typeof echo === 'string')
        return failed('name', `nothing comes back from ${topic}`, `Does this user have permission there? ${ADVICE}`)
      if (echo.topic !== probed) return failed('name', `what is sent to ${probed} comes back as ${echo.topic}`, ADVICE)
      return ok('name', `${topic} comes back as it is`)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      return failed('name', `the broker closes the connection at ${topic}`, ADVICE)
    }
  })
}
