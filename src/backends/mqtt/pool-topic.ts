import type { Held } from '../../backend.ts'
import { type Deferred, deferred, orAfter } from '../../deferred.ts'
import { type Connection, FAILURE, type Message } from './connection.ts'
import { fenceTopicOf, isMark, newMark } from './fence.ts'
import { droppedError, notReadableError, notRetainedError, refusedError } from './write-error.ts'

/** How long a broker that has answered may take to send an echo, in milliseconds: a slow link is slow for answers too. */
const ECHO_MS = 2000
/** Where no echo can be had: how long after the SUBACK retained messages may come, in milliseconds. */
const SETTLE_MS = 1000

const decoder = new TextDecoder()

/** The pool's topic on one connection: what is retained on it, what others write, and how our own writes come back. */
export class PoolTopic {
  readonly #connection: Connection
  readonly #topic: string
  readonly #fenceTopic: string
  readonly #onForeign: (bytes: Uint8Array | null) => void
  /** Fence messages of ours that have not come back yet. */
  readonly #marks = new Map<string, Deferred<void>>()
  /** Where fence messages go: the private topic, or the pool's own where the private one is not to be had. */
  #markTopic: string
  #proof: Held['proof'] = 'fence'
  #opening = true
  /** The last retained message that was delivered; null: none since it was last asked for. */
  #retained: Uint8Array | null = null
  /** Is it certain that there is a pool, or that there is none? */
  #looked = false
  #retains = false
  #echo: { readonly bytes: Uint8Array; readonly came: Deferred<void> } | undefined
  /** Has somebody else written since our last echo? */
  #overwritten = false

  /** @param onForeign told of every message on the topic that is not our own, from the end of `open` on */
  constructor(connection: Connection, topic: string, clientId: string, onForeign: (bytes: Uint8Array | null) => void) {
    this.#connection = connection
    this.#topic = topic
    this.#fenceTopic = fenceTopicOf(topic, clientId)
    this.#markTopic = this.#fenceTopic
    this.#onForeign = onForeign
    connection.onMessage = (message) => this.#take(message)
  }

  /**
   * Finds out what is retained, in one round trip: the echo of a message that we send to ourselves after subscribing
   * comes after the retained message (measured on Mosquitto, NATS, Aedes and RabbitMQ, at QoS 1 only).
   */
  async open(): Promise<Pick<Held, 'bytes' | 'proof'>> {
    const fence = this.#fence([this.#topic, this.#fenceTopic])
    const codes = await this.#orClosed(fence.granted)
    if (codes[0] === undefined || codes[0] >= FAILURE) throw notReadableError(this.#topic, codes[0])
    const privateIsRefused = codes[1] === undefined || codes[1] >= FAILURE
    if (privateIsRefused || !(await this.#came(fence))) await this.#openWithoutPrivateTopic()
    this.#opening = false
    this.#looked = this.#retained !== null
    return { bytes: this.#retained, proof: this.#proof }
  }

  /**
   * Is there still nothing? Asked once before the first write to an empty pool, on the pool's own topic.
   *
   * Mosquitto lets a client subscribe that may not read, and sends it nothing: then the pool only looks empty, and this
   * message does not come back. A cluster's node may have learnt of a retained message late.
   */
  async isStillEmpty(): Promise<boolean> {
    if (this.#looked) return true
    this.#retained = null
    const fence = this.#fence([this.#topic], this.#topic)
    if (!(await this.#came(fence))) throw notReadableError(this.#topic)
    this.#looked = true
    if (this.#retained === null) return true
    this.#onForeign(this.#retained)
    return false
  }

  /** Publishes a pool, retained; resolves when it is certain that the broker holds it. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#looked = true
    const came = deferred<void>()
    this.#echo = { bytes, came }
    this.#overwritten = false
    try {
      const answered = this.#connection.publish(this.#topic, bytes, { retain: true }).then((code) => {
        if (code >= FAILURE) throw refusedError(this.#topic, code, bytes.length)
        return orAfter(came.promise, ECHO_MS, undefined)
      })
      await this.#orClosed(Promise.race([came.promise, answered]))
      const isEchoed = this.#echo === undefined
      // The echo proves that the broker forwards; once a connection it is asked whether it retains, too.
      if (!isEchoed || !this.#retains) await this.#readBack(bytes, isEchoed)
    } finally {
      this.#echo = undefined
    }
  }

  async #readBack(bytes: Uint8Array, isEchoed: boolean): Promise<void> {
    this.#retained = null
    await this.#came(this.#fence([this.#topic]))
    const isOurs = this.#retained !== null && isSame(this.#retained, bytes)
    if (!isOurs && !this.#overwritten) {
      throw isEchoed ? notRetainedError(this.#topic) : droppedError(this.#topic, bytes.length)
    }
    this.#retains = true
  }

  /** The private topic is forbidden, or messages on it do not come back: the pool's own topic is a fence as well. */
  async #openWithoutPrivateTopic(): Promise<void> {
    this.#markTopic = this.#topic
    const settled = orAfter(new Promise<never>(() => {}), SETTLE_MS, undefined)
    if (await this.#came(this.#fence([]))) return
    // This user may not publish at all, perhaps: a reader. What is retained comes by itself, if a little later.
    this.#proof = 'settled'
    if (this.#retained === null) await this.#orClosed(settled)
  }

  /** Subscribes and sends a fence message in one go. */
  #fence(topics: readonly string[], markTopic = this.#markTopic): Fence {
    const mark = newMark()
    const echo = deferred<void>()
    this.#marks.set(mark, echo)
    let granted: Promise<number[]> = Promise.resolve([])
    let published: Promise<number> = Promise.resolve(0)
    this.#connection.together(() => {
      if (topics.length > 0) granted = this.#connection.subscribe(topics)
      published = this.#connection.publish(markTopic, mark)
    })
    return { mark, echo: echo.promise, granted, published }
  }

  /** Has the fence message come back? No, where it was refused or takes too long after the broker's answers. */
  async #came({ mark, echo, granted, published }: Fence): Promise<boolean> {
    const came = echo.then(() => true)
    const answered = Promise.all([granted, published]).then(([, code]) =>
      code >= FAILURE ? false : orAfter(came, ECHO_MS, false),
    )
    try {
      return await this.#orClosed(Promise.race([came, answered]))
    } finally {
      this.#marks.delete(mark)
    }
  }

  #orClosed<Value>(promise: Promise<Value>): Promise<Value> {
    const { closed } = this.#connection
    return Promise.race([promise, closed.then((cause) => Promise.reject<Value>(cause))])
  }

  #take({ topic, payload, retained }: Message): void {
    if (isMark(payload)) {
      // Another store's fence message has no meaning for us.
      this.#marks.get(decoder.decode(payload))?.resolve()
    } else if (topic !== this.#topic) {
      return
    } else if (retained || this.#opening) {
      // [MQTT-3.3.1-8]: it is flagged when it comes for a new subscription. An empty one deletes, and stays nowhere.
      this.#retained = payload.length === 0 ? null : payload
    } else if (this.#echo !== undefined && isSame(this.#echo.bytes, payload)) {
      const { came } = this.#echo
      this.#echo = undefined
      came.resolve()
    } else {
      this.#overwritten = true
      this.#looked = true
      this.#onForeign(payload.length === 0 ? null : payload)
    }
  }
}

interface Fence {
  readonly mark: string
  readonly echo: Promise<void>
  readonly granted: Promise<number[]>
  readonly published: Promise<number>
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
