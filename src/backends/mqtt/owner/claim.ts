import { encodeText } from '../../../format/bytes.ts'
import type { Connection, ConnectionSettings, Message } from '../../../mqtt/connection.ts'
import { FAILURE } from '../../../mqtt/failure.ts'
import { deferred } from '../../../runtime/promises.ts'
import { randomHex } from '../../../runtime/random-hex.ts'
import type { TopicHandler } from '../topic-handler.ts'
import {
  isHigher,
  lwtTopicOf,
  onlineIn,
  ownerTopicOf,
  printOnline,
  printRank,
  type Rank,
  rankIn,
} from './owner-topics.ts'

/** A store that claims a pool: the same on all its connections. */
export interface Claimant {
  /** Where owners say who they are: of all that do so at a time, the one with the highest rank owns the pool. */
  readonly topic: string
  /** Where it says `Online` and `Offline`, as Tasmota devices do; undefined: nowhere. */
  readonly lwtTopic: string | undefined
  readonly session: string
  /** What it says of itself; undefined until it has done so once. */
  rank: Rank | undefined
}

/** A new owner of the pool on a topic. */
export function newClaimant(topic: string, name: string | undefined): Claimant {
  const lwtTopic = name === undefined ? undefined : lwtTopicOf(name)
  return { topic: ownerTopicOf(topic), lwtTopic, session: randomHex(8), rank: undefined }
}

/** What the broker is to publish when an owner's connection ends without a goodbye. */
export function willOf({ lwtTopic }: Claimant): Pick<ConnectionSettings, 'will'> {
  if (lwtTopic === undefined) return {}
  return { will: { topic: lwtTopic, payload: encodeText(printOnline(false)), qos: 1, retain: true } }
}

/**
 * The claim of an owner on one connection: it says who owns the pool, and hears when somebody else does.
 *
 * The rank decides, not the order of messages, which some brokers deliver to one in another order than to others; and
 * a broker that was killed may bring back the session of an owner that is long gone.
 */
export class Claim implements TopicHandler {
  /** Resolves when another store has claimed the pool after this one. */
  readonly taken: Promise<void>
  readonly #taken = deferred<void>()
  readonly #connection: Connection
  readonly #claimant: Claimant
  /** Who said there that it owns the pool, before this owner did. */
  #found: Rank | undefined
  #isAnnounced = false
  /** Where the broker lets us subscribe, and so, as a rule, publish. */
  readonly #granted = new Set<string>()

  constructor(connection: Connection, claimant: Claimant) {
    this.#connection = connection
    this.#claimant = claimant
    this.taken = this.#taken.promise
  }

  /** The broker lets this owner see who else says that it owns the pool. */
  get isReadable(): boolean {
    return this.#granted.has(this.#claimant.topic)
  }

  /** Another store owns the pool: it has claimed it while this owner was away. */
  get isTaken(): boolean {
    const { rank } = this.#claimant
    return rank !== undefined && this.#found !== undefined && isHigher(this.#found, rank)
  }

  async subscribe(): Promise<void> {
    const { topic, lwtTopic } = this.#claimant
    const topics = lwtTopic === undefined ? [topic] : [topic, lwtTopic]
    const { reasonCodes } = await this.#connection.subscribe(topics)
    for (const [index, code] of reasonCodes.entries()) if (code < FAILURE) this.#granted.add(topics[index] as string)
  }

  received({ topic, payload, retain }: Message): boolean {
    const { lwtTopic } = this.#claimant
    if (topic !== this.#claimant.topic && topic !== lwtTopic) return false
    if (topic === lwtTopic) {
      // The will of an older connection, or of the owner before: brokers notice a dead link late.
      const isOffline = !retain && onlineIn(payload) === false
      if (isOffline && this.#isAnnounced) this.#say(lwtTopic, printOnline(true))
      return true
    }
    const { rank } = this.#claimant
    const theirs = rankIn(payload)
    if (!this.#isAnnounced || rank === undefined) this.#found = theirs
    else if (theirs === undefined || isHigher(rank, theirs)) {
      // Deleted, perhaps by the owner before, which has just closed; or an owner has yet to hear of this one.
      if (!retain) this.#say(topic, printRank(rank))
    } else if (isHigher(theirs, rank)) this.#taken.resolve()
    return true
  }

  /** Says that this store is the owner; resolves when the broker has it, rejects with ConnectionLost. */
  async announce(): Promise<void> {
    const { topic, session, lwtTopic } = this.#claimant
    // Later than the one before, also where the clocks of two machines differ.
    const rank = this.#claimant.rank ?? { session, since: Math.max(Date.now(), (this.#found?.since ?? 0) + 1) }
    this.#claimant.rank = rank
    this.#isAnnounced = true
    await Promise.all([
      this.#found?.session === session || this.#publish(topic, printRank(rank)),
      lwtTopic !== undefined && this.#publish(lwtTopic, printOnline(true)),
    ])
  }

  /** Takes back what it announced. That goes out before the DISCONNECT; nobody need wait for an answer. */
  withdraw(): void {
    if (!this.#isAnnounced) return
    this.#isAnnounced = false
    const { topic, lwtTopic } = this.#claimant
    if (lwtTopic !== undefined) this.#say(lwtTopic, printOnline(false))
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    this.#say(topic, '')
  }

  #say(topic: string, text: string): void {
    // Refused or lost: an owner whom nobody sees works all the same.
    this.#publish(topic, text).catch(() => {})
  }

  async #publish(topic: string, text: string): Promise<void> {
    if (this.#granted.has(topic)) await this.#connection.publish(topic, encodeText(text), true)
  }
}
