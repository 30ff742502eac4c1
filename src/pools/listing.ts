import type { Connection, Message } from '../backends/mqtt/connection.ts'
import { PersistError } from '../errors.ts'
import { type Look, look } from './look.ts'
import type { Ownership } from './ownership.ts'
import type { PoolTopics } from './pool-topics.ts'

/** What listing all pools has shown, beside the pools. */
export interface Listing {
  /** How many pools there are. */
  readonly count: number
  /**
   * 'yes': every pool that this user may read was visited. 'no': the broker has dropped `missing` messages.
   * 'unknown': it let no fence through, or sent more at QoS 0 than can be told to have come.
   */
  readonly isComplete: 'yes' | 'no' | 'unknown'
  readonly missing: number
}

/** So many messages at QoS 0 fit the queue of every broker that limits it; of more, some may be dropped unseen. */
const SURE_AT_QOS_0 = 1000

/**
 * Visits every pool on a broker once, and notes who owns them.
 *
 * At QoS 1, where dropped messages leave gaps; where there are any (Mosquitto queues 1,000 messages for a client), once
 * more at QoS 0, at which messages go out as fast as they are read and are not queued.
 * @throws {PersistError} ERR_PERSIST_DENIED
 */
export async function listPools(
  connection: Connection,
  topics: PoolTopics,
  owners: Ownership,
  names: readonly string[] | undefined,
  visit: (name: string, bytes: Uint8Array) => void,
): Promise<Listing> {
  const filters = topics.filters(names)
  const seen = new Set<string>()
  const pools = new Set<string>()
  const take = ({ topic, payload }: Message) => {
    const about = topics.parse(topic)
    if (about === undefined) return
    if (about.kind !== 'pool') return owners.received(about.name, about.kind, payload)
    if (payload.length === 0 || pools.has(about.name)) return
    pools.add(about.name)
    visit(about.name, payload)
  }
  const once = (message: Message) => {
    if (message.retain) seen.add(message.topic)
    take(message)
  }
  const options = { filters, fenceTopic: topics.fence, visit: once }
  const first = await look(connection, { ...options, qos: 1 })
  if (first.refused) throw refusedError(first.refused)
  const ofSure = (isComplete: Listing['isComplete'], missing = 0): Listing => ({
    count: pools.size,
    isComplete,
    missing,
  })
  if (!first.isFenced) return ofSure('unknown')
  const [atQos0, atQos1] = first.counts
  if (first.missing === 0) return ofSure(atQos0 < SURE_AT_QOS_0 ? 'yes' : 'unknown')
  // What was published at QoS 0 comes at QoS 0 both times, and leaves no gap.
  const expected = atQos0 + atQos1 + first.missing
  const second = await look(connection, { ...options, qos: 0 })
  if (!second.isFenced) return ofSure('unknown')
  const missing = expected - seen.size
  return missing > 0 ? ofSure('no', missing) : ofSure(atQos0 < SURE_AT_QOS_0 ? 'yes' : 'unknown')
}

function refusedError([filter, code]: NonNullable<Look['refused']>): PersistError {
  const text =
    `The broker refused the subscription to ${filter} (0x${code.toString(16)}). ` +
    'Give this user read permission there, or name the pools that it may read.'
  return new PersistError('ERR_PERSIST_DENIED', text, { received: code })
}
