import type { BackendListener, Held, WriteOutcome } from '../../contracts/backend.ts'
import { copyOf, encodeText, sameBytes } from '../../format/bytes.ts'
import type { Connection } from '../../mqtt/connection.ts'
import { unref } from '../../runtime/keep-alive.ts'
import { pause } from '../../runtime/promises.ts'
import { ECHO_MS, Fence, type FencePlace, isFenceMessage } from './fence.ts'
import type { Claim } from './owner/claim.ts'
import { PoolTopic } from './pool-topic.ts'
import type { TopicHandler } from './topic-handler.ts'
import { WriteFailure } from './write-error.ts'

/** The largest remaining length of a packet that MQTT can express (MQTT 5, 1.5.5). */
const MAX_REMAINING_LENGTH = 268_435_455

/**
 * How long a node of a cluster may take to learn of what another one has acknowledged, in milliseconds (NATS with three
 * replicas, under load), and the first pause before it is asked again. Pauses alone count: the busier a cluster is, the
 * longer it takes to answer, too. Without a fence nothing tells how long that is, and all the time counts.
 */
const LAG_MS = 2000
const FIRST_LAG_MS = 50

/** How long after a race the session reads the retained message again, in milliseconds; up to twice as long. */
const RECHECK_MS = 200

/** How long nothing must happen until the session reads it again all the same, in milliseconds; up to twice as long. */
const LOOK_MS = 30_000
/**
 * A pool that is larger than this, in bytes, is looked at less often by as much: it comes back whole each time. So looking
 * takes 3.3 kB/s at most.
 */
const LOOK_BYTES = 100_000
/**
 * Pauses are multiples of this, in milliseconds: Node has a list for each length of timers, which stays when one that does not
 * keep the process alive is cleared, until that would have run out.
 */
const LOOK_STEP_MS = 1000

/** One connection, and the pool on it from the first probe to the last write. */
export class Session {
  readonly connection: Connection
  /** An owner's, where the broker lets owners say that they are one. */
  readonly claim: Claim | undefined
  /** What the session waits for, for the message when that takes too long. */
  step = ''
  readonly #topic: string
  #handlers: readonly TopicHandler[]
  readonly #pool = new PoolTopic()
  readonly #fence: Fence
  #proof: Held['proof'] = 'settled'
  /** The broker has retained a write, not only forwarded it. */
  #retains = false
  #isWriting = false
  /** How long the broker took to acknowledge the last write, in milliseconds. */
  #ackMs = 0
  /** The session is reading the retained message again, or is to do so soon. */
  #rechecking: Promise<void> | undefined
  #isRecheckDue = false
  #lookTimer: ReturnType<typeof setTimeout> | undefined

  constructor(
    connection: Connection,
    topic: string,
    place: FencePlace,
    claim: Claim | undefined,
    others: readonly TopicHandler[],
  ) {
    this.connection = connection
    this.claim = claim
    this.#handlers = claim === undefined ? others : [claim, ...others]
    this.#topic = topic
    this.#fence = new Fence(connection, topic, place)
    connection.onMessage = (message) => {
      const isFence = isFenceMessage(message.payload)
      if (isFence && this.#fence.received(message)) return
      if (!isFence && message.topic === topic) this.#pool.received(message)
      else this.#handlers.some((handler) => handler.received(message))
    }
  }

  /** The largest payload that the broker takes on the pool's topic, in bytes. */
  get limitBytes(): number {
    const { protocolVersion, limits } = this.connection
    return payloadLimit(this.#topic, protocolVersion, limits.maximumPacketSize)
  }

  /** Nothing seems to be kept; a broker may hide it. */
  get isEmpty(): boolean {
    return this.#pool.known === null
  }

  get fencePlace(): FencePlace {
    return this.#fence.place
  }

  /** Hears what comes for another one too, which subscribes by itself; the result ends that. */
  alsoHear(handler: TopicHandler): () => void {
    this.#handlers = [...this.#handlers, handler]
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler)
    }
  }

  /** Subscribes, and finds out what the broker holds; `begin` returns it. */
  async probe(): Promise<void> {
    this.step = 'the answer to SUBSCRIBE, and what is retained'
    const asked = this.#handlers.map((handler) => handler.subscribe())
    const [proof] = await Promise.all([this.#fence.probe(() => this.#pool.found !== undefined), ...asked])
    this.#proof = proof
    // What comes back because it was retained proves that the broker retains.
    this.#retains ||= this.#pool.found !== undefined
  }

  /** What the broker holds at this moment; the listener hears whatever comes after it. */
  begin(listener: BackendListener): Held {
    const pool = this.#pool
    pool.begin(listener)
    pool.onRace = () => this.#recheckSoon()
    const { limitBytes, connection } = this
    this.#lookWhileIdle()
    void connection.lost.then(() => clearTimeout(this.#lookTimer))
    const { protocolVersion } = connection
    return { bytes: copyOf(pool.known), proof: this.#proof, limitBytes, protocolVersion }
  }

  /** @throws WriteFailure, PublishRefused, SubscriptionRefused, TopicChanged or ConnectionLost */
  async write(bytes: Uint8Array): Promise<WriteOutcome> {
    if (bytes.length > this.limitBytes) throw new WriteFailure('too large', bytes.length, this.limitBytes)
    const pool = this.#pool
    this.#isWriting = true
    try {
      if (this.#rechecking !== undefined) await this.#rechecking
      if (pool.known === null && !pool.isProven && (await this.#isTaken())) return 'superseded'
      return await this.#writeOver(bytes)
    } finally {
      this.#isWriting = false
      pool.expectNothing()
    }
  }

  async #writeOver(bytes: Uint8Array): Promise<WriteOutcome> {
    const pool = this.#pool
    const { known, foreignCount: before } = pool
    const isSeen = await this.#publish(bytes)
    const outcome = () => (sameBytes(pool.known, bytes) ? 'written' : 'overwritten')
    if (isSeen && this.#retains && !pool.isRaced) return outcome()
    // Does the broker keep it at all? Not seen: a cluster may have lost the echo, or the broker dropped the write in
    // silence. Raced: some brokers keep another message than they forwarded last. What is retained decides.
    const during = pool.foreignCount
    const isLate = (found: Uint8Array | null) =>
      pool.foreignCount === before && (found === null || sameBytes(found, known)) && !sameBytes(found, bytes)
    const retained = await this.#readBackUnless(isLate)
    const isKept = sameBytes(retained, bytes)
    if (isKept || (isSeen && retained !== null)) this.#retains = true
    // What has come meanwhile came after ours; the listener has heard of it, and a recheck follows.
    if (pool.foreignCount !== during) return isSeen || isKept ? outcome() : 'superseded'
    if (isKept) {
      pool.written(bytes)
      return 'written'
    }
    const isKnown = sameBytes(retained, pool.known)
    if (isKnown && isSeen) return outcome()
    if (isSeen && retained === null && pool.foreignCount === before)
      throw new WriteFailure('not retained', bytes.length)
    if (isKnown && pool.foreignCount === before) throw new WriteFailure('dropped', bytes.length)
    if (!isKnown) pool.reread()
    return 'superseded'
  }

  /**
   * Asks once more where nothing seems to be: is there a pool after all? Mosquitto grants a subscription to a client
   * that may not read, and then hides the pool from it; and a cluster's node may learn of a pool late.
   */
  async #isTaken(): Promise<boolean> {
    this.step = 'the echo of a message on the topic itself'
    const pool = this.#pool
    pool.askAgain()
    const isReadable = await this.#fence.probePoolTopic()
    pool.answered()
    if (pool.found !== undefined && !pool.isProven) pool.reread()
    if (pool.known !== null) return true
    if (!isReadable) throw new WriteFailure('unreadable')
    pool.isProven = true
    return false
  }

  /** Resolves with whether the echo came. It waits for the PUBACK even so: only that may mean "on disk". */
  async #publish(bytes: Uint8Array): Promise<boolean> {
    this.step = 'the PUBACK and the echo of what was written'
    const echo = this.#pool.expect(bytes)
    const begun = performance.now()
    await this.connection.publish(this.#topic, bytes, true)
    this.#ackMs = performance.now() - begun
    // Mostly it has come before the PUBACK.
    return echo.hasCome || (await this.connection.orLost(pause(ECHO_MS, echo.coming()))) === true
  }

  /** Reads the retained message when the race is over; at random, since the other writer may be such a store too. */
  #recheckSoon(): void {
    if (this.#isRecheckDue) return
    this.#isRecheckDue = true
    const due = () => {
      this.#isRecheckDue = false
      // A write that was raced reads back by itself, and the race goes on with it.
      if (!this.#recheckNow()) this.#recheckSoon()
    }
    // Not if the connection is over by then: the next session probes anyway.
    this.connection.orLost(pause(RECHECK_MS * (1 + Math.random()))).then(due, () => {})
  }

  /**
   * Reads the retained message now and then while nothing happens: in a cluster, NATS drops single messages. Whatever
   * happens has told, or will tell, what the pool is.
   */
  #lookWhileIdle(): void {
    const pool = this.#pool
    const { changedAt } = pool
    const due = () => {
      // Where fences come back on the pool's own topic only, everybody who listens there would see them.
      if (pool.changedAt === changedAt && this.fencePlace !== 'pool') this.#recheckNow()
      this.#lookWhileIdle()
    }
    const pauseMs = lookPauseMs(pool.known?.length ?? 0) * (1 + Math.random())
    this.#lookTimer = setTimeout(due, Math.ceil(pauseMs / LOOK_STEP_MS) * LOOK_STEP_MS)
    unref(this.#lookTimer)
  }

  /** @returns false: it is being read, or written, anyway */
  #recheckNow(): boolean {
    if (this.#isWriting || this.#rechecking !== undefined) return false
    this.#rechecking = this.#recheck().finally(() => {
      this.#rechecking = undefined
    })
    return true
  }

  /** Never rejects. */
  async #recheck(): Promise<void> {
    const pool = this.#pool
    const before = pool.foreignCount
    try {
      const retained = await this.#readBack()
      if (pool.foreignCount !== before) this.#recheckSoon()
      else if (!sameBytes(retained, pool.known)) pool.reread()
    } catch {
      // The connection is over, or the broker has taken back a permission: the next session, or write, will tell.
    }
  }

  /** The retained message, read again for a while as long as it may be that of before. */
  async #readBackUnless(isLate: (retained: Uint8Array | null) => boolean): Promise<Uint8Array | null> {
    // A cluster that is late with the PUBACK is as late with the rest.
    let leftMs = LAG_MS + this.#ackMs
    for (let ms = FIRST_LAG_MS; ; ms *= 2) {
      const begun = performance.now()
      const retained = await this.#readBack()
      if (this.fencePlace === 'none') leftMs -= performance.now() - begun
      if (!isLate(retained) || leftMs <= 0) return retained
      const pauseMs = Math.min(ms, leftMs)
      leftMs -= pauseMs
      await this.connection.orLost(pause(pauseMs))
    }
  }

  /** The retained message as it is now: it comes again with every SUBSCRIBE (MQTT 5: with retain handling 0). */
  async #readBack(): Promise<Uint8Array | null> {
    this.step = 'the retained message, read back'
    this.#pool.askAgain()
    await this.#fence.probe(() => this.#pool.found !== undefined)
    this.#pool.answered()
    return this.#pool.found ?? null
  }
}

/** How long nothing must happen at least until a pool of that size is read again, in milliseconds. */
export function lookPauseMs(sizeBytes: number): number {
  return LOOK_MS * Math.max(1, sizeBytes / LOOK_BYTES)
}

/** What is left for the payload of a PUBLISH at QoS 1 (MQTT 5, 3.3; 3.1.1, 3.3). */
function payloadLimit(topic: string, protocolVersion: 4 | 5, maximumPacketSize: number): number {
  // Topic with its length, packet identifier, and in MQTT 5 the length of the properties, of which there are none.
  const header = 2 + encodeText(topic).length + 2 + (protocolVersion === 5 ? 1 : 0)
  // The fixed header: one byte, and one to four for the remaining length, the fewest that will do.
  const remaining = [1, 2, 3, 4].map((bytes) => Math.min(maximumPacketSize - 1 - bytes, 2 ** (7 * bytes) - 1))
  return Math.min(MAX_REMAINING_LENGTH, Math.max(...remaining)) - header
}
