import { encodeText } from '../format/bytes.ts'
import type { Connection, Message } from '../mqtt/connection.ts'
import { ConnectionLost, PublishRefused, wasClosed } from '../mqtt/failure.ts'
import { codeText } from '../mqtt/reason-codes.ts'
import { PersistError } from '../runtime/errors.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { DroppedMessages } from './dropped-messages.ts'
import type { Owners } from './owners.ts'
import type { PoolTopics } from './pool-topics.ts'
import { NO_WILDCARDS, type ReadOptions, type ReadResult, type Refusal, readRetained } from './read-retained.ts'

/** How listing pools went. */
export interface Listing extends Completeness {
  /** How many pools there are. */
  readonly count: number
}

/** Whether every pool has come. */
export interface Completeness {
  /** 'yes': every pool that this user may read was visited. 'no': the broker has dropped `missing` messages. */
  readonly isComplete: 'yes' | 'no' | 'unknown'
  /** How many messages the broker has dropped; 0 where that is unknown. */
  readonly missing: number
  /**
   * Why it is unknown. 'fence': the broker let no fence through. 'dropped': it has dropped messages meanwhile, perhaps
   * those of other clients. 'silent': it does not say whether it has. 'levels': it does not let this user list names of
   * several levels, `house/garage`. 'wildcard': it sends nothing that is retained to those who do not name it.
   */
  readonly why?: 'fence' | 'dropped' | 'silent' | 'levels' | 'wildcard'
}

/**
 * So much fits the buffers of every connection, in bytes: up to there a broker queues nothing, and so drops nothing.
 * Dropped QoS 0 messages leave no gap that could be counted.
 */
export const SURE_BYTES = 32_768

const COMPLETE: Completeness = { isComplete: 'yes', missing: 0 }
const unknown = (why: NonNullable<Completeness['why']>): Completeness => ({ isComplete: 'unknown', missing: 0, why })

/** What to list, and how. */
export interface ListingOptions {
  readonly topics: PoolTopics
  readonly owners: Owners
  /** The pools to visit; undefined: all. */
  readonly names: readonly string[] | undefined
  visit(name: string, bytes: Uint8Array): void
  /** Calls `use` with a new connection, and closes that afterwards. */
  connected<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result>
}

/**
 * Visits every pool on a broker once, and notes who owns them.
 *
 * @throws {PersistError} ERR_PERSIST_DENIED
 */
export async function listPools({ topics, owners, names, visit, connected }: ListingOptions): Promise<Listing> {
  let isOver = false
  let count = 0
  const retained = new Set<string>()
  const live = new Set<string>()
  const received = (message: Message) => {
    const { topic, payload, retain } = message
    const about = topics.parse(topic)
    if (about === undefined || isOver) return
    const isKnown = retained.has(topic) || live.has(topic)
    if (retain) retained.add(topic)
    if (about.kind !== 'pool') return owners.received(about.name, about.kind, message)
    if (payload.length === 0 || isKnown) return
    if (!retain) live.add(topic)
    count++
    visit(about.name, payload)
  }
  const read = async (levels: number): Promise<Completeness> => {
    const wanted = { filters: topics.filters(names, levels), fenceTopic: topics.fence, visit: received }
    const completeness = await readAllRetained(connected, wanted, topics, () => retained.size)
    if (completeness !== 'closed') return completeness
    const narrow = await read(1)
    return narrow.isComplete === 'yes' ? unknown('levels') : narrow
  }
  const completeness = await read(topics.levels)
  isOver = true
  if (completeness.isComplete !== 'yes' || names !== undefined) return { count, ...completeness }
  if (retained.size === 0 && !(await sendsToWildcards(connected, topics))) return { count, ...unknown('wildcard') }
  return { count, ...completeness }
}

/**
 * Does the broker send what is retained to those who subscribe with a wildcard? RabbitMQ does not. A retained message of our
 * own tells, which is gone afterwards.
 */
async function sendsToWildcards(connected: ListingOptions['connected'], topics: PoolTopics): Promise<boolean> {
  const place = `${topics.fence}/${randomHex(8)}`
  return connected(async (connection) => {
    let hasCome = false
    const visit = ({ retain, topic }: Message) => {
      hasCome ||= retain && topic === `${place}/kept`
    }
    try {
      await connection.publish(`${place}/kept`, encodeText('"persist-mqtt list"'), true)
      await readRetained(connection, { filters: [`${place}/+`], qos: 1, fenceTopic: topics.fence, visit })
      await connection.publish(`${place}/kept`, new Uint8Array(), true)
    } catch (error) {
      // It keeps no retained messages, or none of this user's, and may close the connection at one.
      if (!(error instanceof PublishRefused || error instanceof ConnectionLost)) throw error
    }
    return hasCome
  })
}

/**
 * Reads at QoS 1, where dropped messages leave gaps in the packet identifiers. If there are gaps (Mosquitto queues
 * 1,000 messages for a client), reads again at QoS 0: brokers send those as fast as the client reads, and queue none.
 *
 * The second reading starts on its own connection as soon as it may be needed: the first mostly waits.
 *
 * @returns 'closed' where the broker closes the connection, and may not if it is asked for names of one level only
 */
async function readAllRetained(
  connected: ListingOptions['connected'],
  wanted: Omit<ReadOptions, 'qos'>,
  topics: PoolTopics,
  countSeen: () => number,
): Promise<Completeness | 'closed'> {
  const atQos0 = () => connected((connection) => readRetained(connection, { ...wanted, qos: 0 }))
  let again: Promise<ReadResult> | undefined
  const onMany = () => {
    again = atQos0()
    // Handled where the second reading is awaited, if it is.
    again.catch(() => {})
  }
  const first = await connected((connection) =>
    // An MQTT 5 client announces its Receive Maximum, and Mosquitto then queues nothing for it.
    readRetained(connection, { ...wanted, qos: 1, ...(connection.protocolVersion === 4 && { onMany }) }).catch(
      (error: unknown) => {
        const canNarrow = wanted.filters.some((filter) => topics.isForLevels(filter))
        if (canNarrow && error instanceof ConnectionLost && wasClosed(error.failure)) return 'closed' as const
        throw error
      },
    ),
  )
  if (first === 'closed') return 'closed'
  const denied = first.refused.find(([filter]) => !topics.isForLevels(filter))
  if (denied) throw refusedError(denied)
  if (!first.isFenced) return unknown('fence')
  if (first.missing > 0) {
    // Messages that were published at QoS 0 come at QoS 0 both times, and leave no gap.
    const most = first.atQos0.count + first.atQos1 + first.missing
    const least = most - first.lostFences
    const second = await (again ?? atQos0())
    if (!second.isFenced) return unknown('fence')
    const seen = countSeen()
    // The missing messages may all be fences. If not, a further reading finds pools that are new.
    if (seen >= least && seen < most) await atQos0()
    const now = countSeen()
    if (now < least || (now > seen && now < most)) return { isComplete: 'no', missing: most - now }
  }
  const completeness =
    first.atQos0.bytes <= SURE_BYTES ? COMPLETE : await connected((connection) => readCounted(connection, wanted))
  return completeness.isComplete === 'yes' && first.refused.length > 0 ? unknown('levels') : completeness
}

/** Reads again with the broker's own count of dropped messages: for much that was published at QoS 0, as devices do. */
async function readCounted(connection: Connection, wanted: Omit<ReadOptions, 'qos'>): Promise<Completeness> {
  const dropped = new DroppedMessages()
  const visit = (message: Message) => {
    dropped.received(message)
    wanted.visit(message)
  }
  const { filters } = DroppedMessages
  const all = await readRetained(connection, { ...wanted, filters: [...filters, ...wanted.filters], visit, qos: 0 })
  if (!all.isFenced) return unknown('fence')
  if (!(await dropped.told())) return unknown('silent')
  // The broker publishes its counts one after the other; after the next fence, all of this interval are here.
  await readRetained(connection, { ...wanted, filters, visit, qos: 0 })
  return dropped.isNone ? COMPLETE : unknown('dropped')
}

/** The error for a subscription that the broker does not grant. */
export function refusedError([filter, code]: Refusal): PersistError {
  const advice =
    code === NO_WILDCARDS
      ? 'It takes none with wildcards: name the pools.'
      : 'Give this user read permission there, or name the pools that it may read.'
  const text = `The broker refused the subscription to ${filter} (${codeText(code, undefined)}). ${advice}`
  return new PersistError('ERR_PERSIST_DENIED', text, { received: code })
}
