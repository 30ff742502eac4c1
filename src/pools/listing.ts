import type { Connection, Message } from '../mqtt/connection.ts'
import { PersistError } from '../runtime/errors.ts'
import { DroppedMessages } from './dropped-messages.ts'
import type { Owners } from './owners.ts'
import type { PoolTopics } from './pool-topics.ts'
import { type ReadOptions, type Retained, readRetained } from './read-retained.ts'

/** What listing all pools has shown, beside the pools. */
export interface Listing extends Completeness {
  /** How many pools there are. */
  readonly count: number
}

/** Whether everything has come. */
export interface Completeness {
  /** 'yes': every pool that this user may read was visited. 'no': the broker has dropped `missing` messages. */
  readonly isComplete: 'yes' | 'no' | 'unknown'
  /** How many messages are missing, where that is known. */
  readonly missing: number
  /**
   * Why it is not known: the broker let no fence through ('fence'), has dropped messages meanwhile that may have been
   * others ('dropped'), or does not say whether it has ('silent').
   */
  readonly why?: 'fence' | 'dropped' | 'silent'
}

/**
 * So much fits the buffers of every connection, in bytes: up to there nothing is queued, and so nothing dropped. What is
 * published at QoS 0 leaves no gap where it was dropped.
 */
const SURE_BYTES = 32_768

const COMPLETE: Completeness = { isComplete: 'yes', missing: 0 }
const unknown = (why: NonNullable<Completeness['why']>): Completeness => ({ isComplete: 'unknown', missing: 0, why })

/** What is listed, and how. */
export interface ListingOptions {
  readonly topics: PoolTopics
  readonly owners: Owners
  /** Of the pools to visit; undefined: all. */
  readonly names: readonly string[] | undefined
  visit(name: string, bytes: Uint8Array): void
  /** Does something with a connection of its own. */
  connected<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result>
}

/**
 * Visits every pool on a broker once, and notes who owns them.
 *
 * @throws {PersistError} ERR_PERSIST_DENIED
 */
export async function listPools({ topics, owners, names, visit, connected }: ListingOptions): Promise<Listing> {
  let isOver = false
  const retained = new Set<string>()
  const pools = new Set<string>()
  const received = ({ topic, payload, retain }: Message) => {
    const about = topics.parse(topic)
    if (about === undefined || isOver) return
    if (retain) retained.add(topic)
    if (about.kind !== 'pool') return owners.received(about.name, about.kind, payload)
    if (payload.length === 0 || pools.has(about.name)) return
    pools.add(about.name)
    visit(about.name, payload)
  }
  const wanted = { filters: topics.filters(names), fenceTopic: topics.fence, visit: received }
  const completeness = await readAllRetained(connected, wanted, () => retained.size)
  isOver = true
  return { count: pools.size, ...completeness }
}

/**
 * At QoS 1, where dropped messages leave gaps; where there are any (Mosquitto queues 1,000 messages for a client), once
 * more at QoS 0, at which messages go out as fast as they are read and are not queued.
 *
 * The second reading begins, on a connection of its own, as soon as it may be needed: the first one mostly waits.
 */
async function readAllRetained(
  connected: ListingOptions['connected'],
  wanted: Omit<ReadOptions, 'qos'>,
  countSeen: () => number,
): Promise<Completeness> {
  const atQos0 = () => connected((connection) => readRetained(connection, { ...wanted, qos: 0 }))
  let again: Promise<Retained> | undefined
  const onMany = () => {
    again = atQos0()
    // Whoever needs it gets its rejection.
    again.catch(() => {})
  }
  const first = await connected((connection) =>
    // With MQTT 5 we have said how much may be on its way, and Mosquitto queues nothing.
    readRetained(connection, { ...wanted, qos: 1, ...(connection.protocolVersion === 4 && { onMany }) }),
  )
  if (first.refused) throw refusedError(first.refused)
  if (!first.isFenced) return unknown('fence')
  if (first.missing > 0) {
    // What was published at QoS 0 comes at QoS 0 both times, and leaves no gap.
    const most = first.atQos0.count + first.atQos1 + first.missing
    const least = most - first.lostFences
    const second = await (again ?? atQos0())
    if (!second.isFenced) return unknown('fence')
    const seen = countSeen()
    // What is missing may be fences, or not: then one more reading finds something.
    if (seen >= least && seen < most) await atQos0()
    const now = countSeen()
    if (now < least || (now > seen && now < most)) return { isComplete: 'no', missing: most - now }
  }
  return first.atQos0.bytes <= SURE_BYTES ? COMPLETE : connected((connection) => readCounted(connection, wanted))
}

/** Much was published at QoS 0, as devices do: only the broker itself counts what it drops of that. */
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
  // It tells one after the other: with the next fence, everything of this time has come.
  await readRetained(connection, { ...wanted, filters, visit, qos: 0 })
  return dropped.isNone ? COMPLETE : unknown('dropped')
}

function refusedError([filter, code]: NonNullable<Retained['refused']>): PersistError {
  const text =
    `The broker refused the subscription to ${filter} (0x${code.toString(16)}). ` +
    'Give this user read permission there, or name the pools that it may read.'
  return new PersistError('ERR_PERSIST_DENIED', text, { received: code })
}
