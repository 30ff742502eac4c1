import { encodeText } from '../../../format/bytes.ts'
import type { Connection, ConnectionSettings, Message } from '../../../mqtt/connection.ts'
import { FAILURE } from '../../../mqtt/failure.ts'
import { deferred } from '../../../runtime/promises.ts'
import { randomHex } from '../../../runtime/random-hex.ts'
import type { TopicHandler } from '../topic-handler.ts'
import {
  isHigher,
  isOfDevice,
  lwtTopicOf,
  NO_PRESENCE,
  onlineIn,
  ownerTopicOf,
  presenceIn,
  printOnline,
  printSaid,
  type Rank,
  type Said,
  saidIn,
} from './owner-topics.ts'

/** A store that claims a pool: the same on all its connections. */
export interface Claimant {
  /** Where owners say who they are: of all that do so at a time, the one with the highest rank owns the pool. */
  readonly topic: string
  /** Where it says `Online` as Tasmota devices do, unless one does; undefined: nowhere. */
  readonly lwtTopic: string | undefined
  /** Of what it says of itself; before it has done so, what it will say where nothing stands against that. */
  rank: Rank
  /** It has seen once what was there before it. */
  hasCome: boolean
  /** The LWT topic is another client's, and this one never writes there. */
  isBesideDevice: boolean
  /** What it found at the LWT topic, and puts back when it goes. */
  lwtBefore: Uint8Array
}

/** A new owner of the pool on a topic. */
export function newClaimant(topic: string, name: string | undefined): Claimant {
  return {
    topic: ownerTopicOf(topic),
    lwtTopic: name === undefined ? undefined : lwtTopicOf(name),
    rank: { session: randomHex(8), since: Date.now() },
    hasCome: false,
    isBesideDevice: false,
    lwtBefore: new Uint8Array(),
  }
}

/**
 * What the broker is to publish when an owner's connection ends without a goodbye. A connection has one will, and the
 * LWT topic may be a device's: so it is on the owner's own topic.
 */
export function willOf(claimant: Claimant): Pick<ConnectionSettings, 'will'> {
  return { will: { topic: claimant.topic, payload: encodeText(said(claimant, false)), qos: 1, retain: true } }
}

function said({ rank, isBesideDevice }: Claimant, isOnline: boolean): string {
  return printSaid(rank, isOnline, isBesideDevice)
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
  /** The will of this connection. */
  readonly #will: string
  /** What was said at the two topics before this owner said anything. */
  #found: Said | undefined
  #lwtFound = new Uint8Array()
  #presenceFound = NO_PRESENCE
  #isAnnounced = false
  /** How often it has said `Online` without hearing it. */
  #lwtEchoes = 0
  /** Where the broker lets us subscribe, and so, as a rule, publish. */
  readonly #granted = new Set<string>()

  constructor(connection: Connection, claimant: Claimant) {
    this.#connection = connection
    this.#claimant = claimant
    this.#will = said(claimant, false)
    this.taken = this.#taken.promise
  }

  /** The broker lets this owner see who else says that it owns the pool. */
  get isReadable(): boolean {
    return this.#granted.has(this.#claimant.topic)
  }

  /** Another store owns the pool: it has claimed it while this owner was away. */
  get isTaken(): boolean {
    return this.#claimant.hasCome && this.#isOver(this.#found)
  }

  async subscribe(): Promise<void> {
    const { topic, lwtTopic } = this.#claimant
    const subscribed = async (one: string) => {
      const { reasonCodes } = await this.#connection.subscribe([one])
      if ((reasonCodes[0] ?? FAILURE) < FAILURE) this.#granted.add(one)
    }
    // A SUBSCRIBE for each: of several topics in one, Aedes sends what is retained at the second after the fence's echo.
    await Promise.all([subscribed(topic), lwtTopic !== undefined && subscribed(lwtTopic)])
  }

  /**
   * All that was there before has come: what this owner has to say is known now.
   *
   * @returns whether the will of this connection says the same; it cannot be changed
   */
  comes(): boolean {
    const claimant = this.#claimant
    if (!claimant.hasCome) {
      const { session, since } = claimant.rank
      // Later than the one before, also where the clocks of two machines differ.
      claimant.rank = { session, since: Math.max(since, (this.#found?.rank?.since ?? -1) + 1) }
      const isOnline = this.#presenceFound.isOnline === true
      // Without a device, what says `Online` was the owner before, which may have been killed.
      claimant.isBesideDevice = isOnline && (this.#found === undefined || isOfDevice(this.#found, this.#presenceFound))
      claimant.lwtBefore = isOnline ? encodeText(printOnline(false)) : this.#lwtFound
      claimant.hasCome = true
    }
    return this.#will === said(claimant, false)
  }

  received(message: Message): boolean {
    const { topic, lwtTopic } = this.#claimant
    if (message.topic === topic) this.#owner(message)
    else if (message.topic === lwtTopic) this.#lwt(message)
    else return false
    return true
  }

  #owner(message: Message): void {
    const theirs = saidIn(message)
    if (!this.#isAnnounced) {
      this.#found = theirs
      return
    }
    if (this.#isOver(theirs)) this.#taken.resolve()
    // Deleted, perhaps by the owner before, which has just closed; or an owner has yet to hear of this one; or the will
    // of an older connection: brokers notice a dead link late.
    else if (!message.retain && (theirs.rank?.session !== this.#claimant.rank.session || theirs.isOnline === false)) {
      this.#say(this.#claimant.topic, said(this.#claimant, true))
    }
  }

  /** Also where only its will is there: it has come after this owner, and may come back. */
  #isOver(theirs: Said | undefined): boolean {
    return theirs?.rank !== undefined && isHigher(theirs.rank, this.#claimant.rank)
  }

  #lwt(message: Message): void {
    const presence = presenceIn(message)
    if (!this.#isAnnounced) {
      this.#lwtFound = new Uint8Array(message.payload)
      this.#presenceFound = presence
      return
    }
    if (message.retain || this.#claimant.isBesideDevice) return
    const { isOnline } = presence
    if (isOnline && this.#lwtEchoes > 0) this.#lwtEchoes -= 1
    else if (isOnline) {
      // A device has come, and will say no more when it is gone: from now on the topic is its own.
      this.#claimant.isBesideDevice = true
      this.#say(this.#claimant.topic, said(this.#claimant, true))
    }
    // The will of an owner before, of an earlier version.
    else if (isOnline === false) this.#sayOnline()
  }

  /** Says that this store is the owner; resolves when the broker has it, rejects with ConnectionLost. */
  async announce(): Promise<void> {
    this.#isAnnounced = true
    await Promise.all([this.#publish(this.#claimant.topic, said(this.#claimant, true)), this.#publishOnline()])
  }

  /** Takes back what it announced. That goes out before the DISCONNECT; nobody need wait for an answer. */
  withdraw(): void {
    if (!this.#isAnnounced) return
    this.#isAnnounced = false
    const { topic, lwtTopic, lwtBefore, isBesideDevice } = this.#claimant
    if (lwtTopic !== undefined && !isBesideDevice) {
      this.#say(lwtTopic, printOnline(false))
      if (onlineIn(lwtBefore) !== false) this.#say(lwtTopic, lwtBefore)
    }
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    this.#say(topic, '')
  }

  #sayOnline(): void {
    this.#publishOnline().catch(() => {})
  }

  async #publishOnline(): Promise<void> {
    const { lwtTopic, isBesideDevice } = this.#claimant
    if (lwtTopic === undefined || isBesideDevice) return
    this.#lwtEchoes += 1
    await this.#publish(lwtTopic, printOnline(true))
  }

  #say(topic: string, what: string | Uint8Array): void {
    // Refused or lost: an owner whom nobody sees works all the same.
    this.#publish(topic, what).catch(() => {})
  }

  async #publish(topic: string, what: string | Uint8Array): Promise<void> {
    if (!this.#granted.has(topic)) return
    await this.#connection.publish(topic, typeof what === 'string' ? encodeText(what) : what, true)
  }
}
