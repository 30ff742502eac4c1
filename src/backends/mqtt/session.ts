import type { BackendListener, Held } from '../../backend.ts'
import type { Connection, ServerLimits } from './connection.ts'
import { ECHO_MS, Fence, type FencePlace, isFenceMessage } from './fence.ts'
import { pause } from './pause.ts'
import { copyOf, PoolTopic, sameBytes } from './pool-topic.ts'
import type { Presence } from './presence.ts'
import { WriteFailure } from './write-error.ts'

/** The largest remaining length of a packet that MQTT can express (MQTT 5, 1.5.5). */
const MAX_REMAINING_LENGTH = 268_435_455

/** One connection, and the pool on it from the first look to the last write. */
export class Session {
  readonly connection: Connection
  /** The largest payload that the broker takes on the pool's topic, in bytes. */
  readonly limitBytes: number
  /** There where the pool is to be owned, and the broker lets owners tell so. */
  readonly presence: Presence | undefined
  /** What is waited for, for the message when it takes too long. */
  step = ''
  readonly #topic: string
  readonly #limits: ServerLimits
  readonly #pool = new PoolTopic()
  readonly #fence: Fence
  #proof: Held['proof'] = 'settled'
  /** A write was found in what is retained, not only forwarded: this broker does retain. */
  #retains = false

  constructor(connection: Connection, limits: ServerLimits, topic: string, place: FencePlace, presence?: Presence) {
    this.connection = connection
    this.presence = presence
    this.#limits = limits
    this.#topic = topic
    this.limitBytes = payloadLimit(topic, connection.protocolVersion, limits.maximumPacketSize)
    this.#fence = new Fence(connection, topic, place)
    connection.onMessage = (message) => {
      if (isFenceMessage(message.payload)) this.#fence.received(message.payload)
      else if (message.topic === topic) this.#pool.received(message)
      else presence?.received(message)
    }
  }

  get fencePlace(): FencePlace {
    return this.#fence.place
  }

  /** Subscribes, and finds out what is held; `begin` then tells. */
  async look(): Promise<void> {
    this.step = 'the answer to SUBSCRIBE, and what is retained'
    const asked = this.presence?.subscribe()
    const [proof] = await Promise.all([this.#fence.look(() => this.#pool.found !== undefined), asked])
    this.#proof = proof
  }

  /** What is held at this moment; whatever comes after it is told to the listener. */
  begin(listener: BackendListener): Held {
    this.#pool.begin(listener)
    const { limitBytes, connection } = this
    const { protocolVersion } = connection
    return { bytes: copyOf(this.#pool.known), proof: this.#proof, limitBytes, protocolVersion }
  }

  /** @throws WriteFailure, PublishRefused, SubscriptionRefused or ConnectionLost */
  async write(bytes: Uint8Array): Promise<'written' | 'superseded'> {
    if (!this.#limits.retainAvailable) throw new WriteFailure('retain unavailable', bytes.length)
    if (bytes.length > this.limitBytes) throw new WriteFailure('too large', bytes.length, this.limitBytes)
    const pool = this.#pool
    if (pool.known === null && !pool.isProven && (await this.#isTaken())) return 'superseded'
    try {
      return await this.#writeOver(bytes, pool.expect(bytes))
    } finally {
      pool.expectNothing()
    }
  }

  async #writeOver(bytes: Uint8Array, echo: Promise<true>): Promise<'written' | 'superseded'> {
    const pool = this.#pool
    const { foreignCount } = pool
    const isRaced = () => pool.foreignCount !== foreignCount
    if (await this.#publish(bytes, echo)) {
      if (!this.#retains) this.#learn(bytes, await this.#readBack(), isRaced())
      return 'written'
    }
    // Acknowledged and not seen: a cluster may have lost the echo, or the broker dropped the pool in silence.
    const retained = await this.#readBack()
    if (sameBytes(retained, bytes)) {
      pool.written(bytes)
      this.#retains = true
      return 'written'
    }
    if (!sameBytes(retained, pool.known)) pool.foreign(retained)
    // Lost, or overwritten by what `changed` has told of: either way it is the store's turn.
    if (isRaced()) return 'superseded'
    throw new WriteFailure('dropped', bytes.length)
  }

  /**
   * The second look at what seems to be empty: is there a pool after all? Mosquitto grants a subscription to a client
   * that may not read, and then hides the pool from it; and a cluster's node may learn of a pool late.
   */
  async #isTaken(): Promise<boolean> {
    this.step = 'the echo of a message on the topic itself'
    const pool = this.#pool
    pool.askAgain()
    const isReadable = await this.#fence.lookOnPoolTopic()
    pool.answered()
    if (pool.found !== undefined && !pool.isProven) pool.foreign(pool.found)
    if (pool.known !== null) return true
    if (!isReadable) throw new WriteFailure('unreadable')
    pool.isProven = true
    return false
  }

  /** Resolves with whether the echo came. The PUBACK is waited for even so: only it may mean "on disk". */
  async #publish(bytes: Uint8Array, echo: Promise<true>): Promise<boolean> {
    this.step = 'the PUBACK and the echo of what was written'
    await this.connection.publish(this.#topic, bytes, true)
    return (await this.connection.orLost(pause(ECHO_MS, echo))) === true
  }

  /** The retained message as it is now: it comes again with every SUBSCRIBE (MQTT 5: with retain handling 0). */
  async #readBack(): Promise<Uint8Array | null> {
    this.step = 'the retained message, read back'
    this.#pool.askAgain()
    await this.#fence.look(() => this.#pool.found !== undefined)
    this.#pool.answered()
    return this.#pool.found ?? null
  }

  /** Once a connection: was the write kept, or only forwarded? */
  #learn(bytes: Uint8Array, retained: Uint8Array | null, isRaced: boolean): void {
    if (retained === null && !isRaced) throw new WriteFailure('not retained', bytes.length)
    this.#retains = retained !== null
    // Where writers race, some brokers keep another message than the one they forwarded last: the kept one counts.
    if (retained !== null && !sameBytes(retained, this.#pool.known)) this.#pool.foreign(retained)
  }
}

/** What is left for the payload of a PUBLISH at QoS 1 (MQTT 5, 3.3; 3.1.1, 3.3). */
function payloadLimit(topic: string, protocolVersion: 4 | 5, maximumPacketSize = Number.POSITIVE_INFINITY): number {
  // Topic with its length, packet identifier, and in MQTT 5 the length of no properties.
  const header = 2 + new TextEncoder().encode(topic).length + 2 + (protocolVersion === 5 ? 1 : 0)
  // The fixed header: one byte, and one to four for the remaining length, the fewest that will do.
  const remaining = [1, 2, 3, 4].map((bytes) => Math.min(maximumPacketSize - 1 - bytes, 2 ** (7 * bytes) - 1))
  return Math.min(MAX_REMAINING_LENGTH, Math.max(...remaining)) - header
}
