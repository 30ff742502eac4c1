import { deferred } from '../../deferred.ts'
import { type Connection, type ConnectionSettings, FAILURE, type Message } from './connection.ts'
import { randomHex } from './random-hex.ts'

/** That a backend owns its pool: the same for all its connections. */
export interface Claim {
  /** Where owners say who they are: the one that did so last owns the pool. */
  readonly topic: string
  /** What this one says, as nobody else does. */
  readonly text: string
  /** Where `Online` and `Offline` are told, as Tasmota devices do; undefined: nowhere. */
  readonly lwtTopic: string | undefined
  /** The broker has had it: what is found there later is not what somebody had left there before. */
  isMade: boolean
}

/** A new claim to the pool on a topic. */
export function newClaim(topic: string, name: string | undefined): Claim {
  return {
    topic: `${topic}/owner`,
    text: `{"session":"${randomHex(8)}"}`,
    lwtTopic: name === undefined ? undefined : `tele/${name}/LWT`,
    isMade: false,
  }
}

/** What the broker is to publish when an owner's connection ends without a goodbye. */
export function willOf({ lwtTopic }: Claim): Pick<ConnectionSettings, 'will'> {
  if (lwtTopic === undefined) return {}
  return { will: { topic: lwtTopic, payload: bytesOf(OFFLINE) as Buffer, qos: 1, retain: true } }
}

const ONLINE = 'Online'
const OFFLINE = 'Offline'

/**
 * An owner's presence on one connection: it tells who owns the pool, and hears when somebody else does.
 *
 * Two programs that claim a pool at the same moment see both claims in the order that the broker has them in: the last
 * one wins, and both know.
 */
export class Presence {
  /** Resolves when somebody else has claimed the pool after us. */
  readonly taken: Promise<void>
  readonly #taken = deferred<void>()
  readonly #connection: Connection
  readonly #claim: Claim
  /** What was retained where owners say who they are. */
  #found = ''
  /** Our claim stands at the broker, as far as it was seen on this connection. */
  #isSeen = false
  #isAnnounced = false
  /** Where the broker lets us subscribe, and so, as a rule, publish. */
  readonly #granted = new Set<string>()

  constructor(connection: Connection, claim: Claim) {
    this.#connection = connection
    this.#claim = claim
    this.taken = this.#taken.promise
  }

  /** Somebody else owns the pool, and has claimed it while we were away. */
  get isTaken(): boolean {
    return this.#claim.isMade && this.#found !== '' && this.#found !== this.#claim.text
  }

  /** To be called before the fence, in the same tick: what is retained is here then when the fence's echo is. */
  async subscribe(): Promise<void> {
    const { topic, lwtTopic } = this.#claim
    const topics = lwtTopic === undefined ? [topic] : [topic, lwtTopic]
    const codes = await this.#connection.subscribe(topics)
    for (const [index, code] of codes.entries()) if (code < FAILURE) this.#granted.add(topics[index] as string)
  }

  /** @returns whether the message was about owners, and not about the pool */
  received({ topic, payload, retain }: Message): boolean {
    const { lwtTopic } = this.#claim
    if (topic !== this.#claim.topic && topic !== lwtTopic) return false
    const text = new TextDecoder().decode(payload)
    if (topic === lwtTopic) {
      // The will of an older connection of ours, or of the owner before us: brokers notice a dead link late.
      if (!retain && text === OFFLINE && this.#isAnnounced) this.#say(lwtTopic, ONLINE)
    } else if (retain) {
      this.#found = text
      this.#isSeen ||= text === this.#claim.text
    } else if (text === this.#claim.text) this.#isSeen = this.#claim.isMade = true
    // Ours is still on its way, and will be the later one.
    else if (!this.#isSeen) return true
    // Deleted, perhaps by an owner before us that has just closed.
    else if (text === '') this.#say(topic, this.#claim.text)
    else this.#taken.resolve()
    return true
  }

  /** Tells the world that this is the owner; resolves when the broker has it, rejects with ConnectionLost. */
  async announce(): Promise<void> {
    const { topic, text, lwtTopic } = this.#claim
    this.#isAnnounced = true
    await Promise.all([
      this.#isSeen || this.#publish(topic, text),
      lwtTopic !== undefined && this.#publish(lwtTopic, ONLINE),
    ])
  }

  /** Takes back what was announced. It goes out before the DISCONNECT; nobody need wait for an answer. */
  withdraw(): void {
    if (!this.#isAnnounced) return
    this.#isAnnounced = false
    const { topic, lwtTopic } = this.#claim
    if (lwtTopic !== undefined) this.#say(lwtTopic, OFFLINE)
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    this.#say(topic, '')
  }

  #say(topic: string, text: string): void {
    // What is refused or lost here is told by nothing else either: an owner without a presence works all the same.
    this.#publish(topic, text).catch(() => {})
  }

  async #publish(topic: string, text: string): Promise<void> {
    if (this.#granted.has(topic)) await this.#connection.publish(topic, bytesOf(text), true)
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
