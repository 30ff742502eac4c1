import { encodeText } from '../../format/bytes.ts'
import type { Connection, Message, Suback } from '../../mqtt/connection.ts'
import { FAILURE, PublishRefused } from '../../mqtt/failure.ts'
import { codeText } from '../../mqtt/reason-codes.ts'
import { type Deferred, deferred, pause } from '../../runtime/promises.ts'
import { randomHex } from '../../runtime/random-hex.ts'

/**
 * What every fence message begins with: a JSON string, not an object.
 *
 * A Tasmota device that waits for its pool takes any JSON object on the topic for it, and leaves a string alone.
 */
const PREFIX = '"persist-mqtt fence '
const prefixBytes = encodeText(PREFIX)

/**
 * How long after its answers to SUBSCRIBE and PUBLISH the echo may come, in milliseconds. A broker sends it together
 * with the PUBACK (measured: within 60 ms, also across a cluster), so that a slow link does not count. A cluster that is
 * too busy to answer at once is late with the echo as well, and gets as long again.
 */
export const ECHO_MS = 1000

/**
 * How often is asked on the pool's topic itself before a user counts as one that may not: in a cluster, NATS drops single
 * messages, and is slow when it is busy.
 */
const TRIES = 3

/**
 * MQTT 3.1.1, 3.9.3, and 5: a failure, with no word about permission. A cluster of NATS says so too when it was too busy,
 * after seconds; what is not permitted it refuses at once.
 */
const UNSPECIFIED = 0x80
/** How long after that is asked once more, in milliseconds. */
const REFUSED_AGAIN_MS = 500

/** Without any echo: how long after the SUBACK what is retained may come, in milliseconds; brokers need some ten. */
const SETTLE_MS = 1000

/** Where fence messages come back from: a topic of their own, only the pool's, or nowhere. */
export type FencePlace = 'private' | 'pool' | 'none'

/** The broker does not let us subscribe to the pool's topic. */
export class SubscriptionRefused extends Error {
  readonly reasonCode: number
  /** What the broker says of it. */
  readonly reasonString: string | undefined

  constructor(reasonCode: number, reasonString: string | undefined) {
    super(`SUBACK with reason code ${codeText(reasonCode, reasonString)}`)
    this.reasonCode = reasonCode
    this.reasonString = reasonString
  }
}

/** The broker brings what is sent to a topic back under another one, so that a pool that is there would not be seen. */
export class TopicChanged extends Error {
  readonly sent: string
  readonly came: string

  constructor(sent: string, came: string) {
    super(`what is sent to ${sent} comes back as ${came}`)
    this.sent = sent
    this.came = came
  }
}

/** A fence message that no other is like. */
export function newFenceMessage(): string {
  return `${PREFIX}${randomHex(8)}"`
}

/** Is this a fence message, of this store or of another one, and so nothing that anybody keeps? */
export function isFenceMessage(payload: Uint8Array): boolean {
  // Longer than any of ours, it may be a pool that somebody wrote badly.
  return payload.length < 64 && prefixBytes.every((byte, index) => payload[index] === byte)
}

/**
 * Knows when all that was retained must be here: MQTT has no answer "nothing is retained", so we subscribe and send a
 * message to ourselves. Brokers deliver it after the retained message, at QoS 1 (at QoS 0 some do not).
 */
export class Fence {
  /** Where the broker lets it through, as far as it has been tried; the next session begins with that. */
  place: FencePlace
  readonly #connection: Connection
  readonly #topic: string
  /** Below the pool's topic, where an access list is most likely to let us; no other connection has the same one. */
  readonly #own: string
  #isListening = false
  /** How long the broker took to answer the last time, in milliseconds. */
  #answerMs = 0
  /** Each resolves with the topic under which it has come back. */
  readonly #waiting = new Map<string, Deferred<string>>()

  constructor(connection: Connection, topic: string, place: FencePlace) {
    this.#connection = connection
    this.#topic = topic
    this.#own = `${topic}/fence/${randomHex(8)}`
    this.place = place
  }

  /**
   * A fence message has come.
   *
   * @returns whether it is one that this fence waits for
   */
  received({ topic, payload }: Pick<Message, 'topic' | 'payload'>): boolean {
    const echo = this.#waiting.get(new TextDecoder().decode(payload))
    echo?.resolve(topic)
    return echo !== undefined
  }

  /**
   * Subscribes to the pool's topic, also once more, and resolves when what is retained there has come.
   *
   * @param found whether it has come; where nothing of ours comes back, that ends the waiting
   * @throws {SubscriptionRefused | TopicChanged}
   */
  async probe(found: () => boolean): Promise<'fence' | 'settled'> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#probe(found)
      } catch (error) {
        const mayHeal = error instanceof SubscriptionRefused && error.reasonCode === UNSPECIFIED
        if (!mayHeal || (tries >= TRIES && this.#answerMs < ECHO_MS)) throw error
      }
      await this.#connection.orLost(pause(REFUSED_AGAIN_MS))
    }
  }

  async #probe(found: () => boolean): Promise<'fence' | 'settled'> {
    let subscribed = false
    if (this.place === 'private') {
      const topics = this.#isListening ? [this.#topic] : [this.#topic, this.#own]
      const [suback, came] = await this.#send(topics, this.#own)
      this.#isListening ||= came
      assertGranted(suback)
      if (came) return 'fence'
      subscribed = true
      this.place = 'pool'
    }
    if (found()) return 'settled'
    if (this.place === 'pool') {
      if (await this.#pass(subscribed)) return 'fence'
      subscribed = true
      this.place = 'none'
    }
    if (!subscribed) assertGranted(await this.#connection.subscribe([this.#topic]))
    if (!found()) await this.#connection.orLost(pause(SETTLE_MS))
    return 'settled'
  }

  /**
   * Subscribes once more and sends the fence on the pool's own topic: does it come back, whatever `place` says?
   *
   * @throws {SubscriptionRefused | TopicChanged}
   */
  async probePoolTopic(): Promise<boolean> {
    // The same one each time: what comes late counts, too.
    const text = newFenceMessage()
    for (let tries = 1; tries <= TRIES; tries++) if (await this.#pass(false, text)) return true
    return false
  }

  async #pass(subscribed: boolean, text?: string): Promise<boolean> {
    const [suback, came] = await this.#send(subscribed ? [] : [this.#topic], this.#topic, text)
    assertGranted(suback)
    return came
  }

  /** SUBSCRIBE and PUBLISH go out in one tick, so in one segment; neither waits for the answer to the other. */
  async #send(
    topics: string[],
    fenceTopic: string,
    text: string = newFenceMessage(),
  ): Promise<[suback: Suback, came: boolean]> {
    const echo = deferred<string>()
    this.#waiting.set(text, echo)
    const begun = performance.now()
    try {
      const granted = topics.length > 0 ? this.#connection.subscribe(topics) : NOTHING_ASKED
      const published = this.#connection.publish(fenceTopic, encodeText(text), false).then(
        () => true,
        (error: unknown) => {
          if (error instanceof PublishRefused) return false
          throw error
        },
      )
      const [suback, isTaken] = await Promise.all([granted, published])
      this.#answerMs = performance.now() - begun
      // Without a grant no echo will come.
      const isHeard = isTaken && (suback.reasonCodes.at(-1) ?? 0) < FAILURE
      const patienceMs = ECHO_MS + this.#answerMs
      const came = isHeard ? await this.#connection.orLost(pause(patienceMs, echo.promise)) : undefined
      if (came !== undefined && came !== fenceTopic) throw new TopicChanged(fenceTopic, came)
      return [suback, came !== undefined]
    } finally {
      this.#waiting.delete(text)
    }
  }
}

const NOTHING_ASKED: Promise<Suback> = Promise.resolve({ reasonCodes: [] })

/** The pool's topic, which is the first asked for, if any is. */
function assertGranted({ reasonCodes: [code = 0], reasonString }: Suback): void {
  if (code >= FAILURE) throw new SubscriptionRefused(code, reasonString)
}
