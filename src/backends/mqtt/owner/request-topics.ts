import type { BackendListener, EditRequest } from '../../../contracts/backend.ts'
import { encodeText } from '../../../format/bytes.ts'
import type { Connection, Message, Properties } from '../../../mqtt/connection.ts'
import { orAfter } from '../../../runtime/promises.ts'
import type { TopicHandler } from '../topic-handler.ts'
import { AnsweredRequests } from './answered-requests.ts'

/** So many requests wait for a store that is being opened; an editor whose request is dropped asks again. */
const EARLY_LIMIT = 1000
/** What they may take, in bytes. */
const EARLY_LIMIT_BYTES = 4 * 2 ** 20
/** How long `end` waits for what is being done, in milliseconds; the store has ended it before. */
const END_LIMIT_MS = 1000

const KINDS: { readonly [level: string]: EditRequest['kind'] } = {
  set: 'patch',
  increment: 'increment',
  assign: 'assign',
  replace: 'replace',
}

/** An id that is meant for one owner: its last level begins with that owner's session. */
const ADDRESSED = /(?:^|\/)([0-9a-f]{16})-[^/]*$/

interface Destination {
  readonly topic: string
  readonly properties: Properties | undefined
}

/** What editors ask the owner of a pool for, below the pool's topic; docs/protocol.md has the topics. */
export class RequestTopics {
  readonly #topic: string
  readonly #session: string
  readonly #early: Message[] = []
  readonly #answers = new AnsweredRequests()
  /** What is being done, each with its answer on the way to the broker. */
  readonly #doing = new Set<Promise<void>>()
  #earlyBytes = 0
  #listener: BackendListener | undefined
  /** Where answers go: the connection may be another one by then than the one on which was asked. */
  #connection: Connection | undefined

  /** @param session of this owner: different for each store that is opened */
  constructor(topic: string, session: string) {
    this.#topic = topic
    this.#session = session
  }

  /** Hears editors on a connection, on which the answers go out from now on. */
  on(connection: Connection): TopicHandler {
    this.#connection = connection
    return {
      subscribe: async () => {
        // `set/#` is `set` too (MQTT 5, 4.7.1.2). If the broker refuses, nobody can ask this owner; all else works.
        // At QoS 0: without a session QoS 1 saves none that is lost on the way; and a cluster of NATS takes a second for it.
        const topics = Object.keys(KINDS).map((level) => `${this.#topic}/${level}/#`)
        await connection.subscribe(topics, 0)
      },
      received: (message) => this.#received(message),
    }
  }

  /** From now on the listener does what editors ask for, also what they asked for before. */
  begin(listener: BackendListener): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) this.#received(message)
  }

  #received(message: Message): boolean {
    if (!message.topic.startsWith(`${this.#topic}/`)) return false
    const [level = '', ...rest] = message.topic.slice(this.#topic.length + 1).split('/')
    const kind = Object.hasOwn(KINDS, level) ? KINDS[level] : undefined
    if (kind === undefined) return false
    // The owner would do a retained request again on every connection.
    if (message.retain) return true
    if (this.#listener !== undefined) this.#ask(this.#listener, kind, rest.join('/'), message)
    else if (this.#early.length < EARLY_LIMIT && this.#earlyBytes < EARLY_LIMIT_BYTES) {
      this.#earlyBytes += message.payload.length
      this.#early.push(message)
    }
    return true
  }

  /** Something is being done, so that `end` is worth waiting for. */
  get isBusy(): boolean {
    return this.#doing.size > 0
  }

  /** Resolves when all that was begun has its answer: editors that then hear of the end know the rest is not done. */
  async end(): Promise<void> {
    await orAfter(Promise.allSettled(this.#doing), END_LIMIT_MS, undefined)
  }

  #ask(listener: BackendListener, kind: EditRequest['kind'], id: string, { payload, properties }: Message): void {
    const destinations = this.#destinations(id, properties)
    const key = keyOf(kind, id, properties)
    const owner = ADDRESSED.exec(id)?.[1]
    const isForOther = owner !== undefined && owner !== this.#session
    const request = { kind, bytes: payload, isAnswered: destinations.length > 0 }
    const known = isForOther ? GONE : this.#answers.of(key, payload)
    const answer = known ?? listener.requested(request)
    if (key !== '' && known === undefined) this.#answers.remember(key, payload, answer)
    const done = answer.then((bytes) => {
      for (const destination of destinations) this.#answer(destination, bytes)
    })
    this.#doing.add(done)
    void done.finally(() => this.#doing.delete(done))
  }

  #answer({ topic, properties }: Destination, bytes: Uint8Array): void {
    try {
      // At QoS 0: where it does not arrive, the editor asks again, or hears nothing, and says so.
      this.#connection?.publishAtMostOnce(topic, bytes, properties)
    } catch {
      // Too large for the broker, or its topic for MQTT: a little longer than that of the request.
    }
  }

  #destinations(id: string, properties: Properties | undefined): Destination[] {
    const destinations: Destination[] = []
    const topic = `${this.#topic}/answer/${id}`
    if (id !== '') destinations.push({ topic, properties: undefined })
    const { responseTopic, correlationData } = properties ?? {}
    if (responseTopic !== undefined && this.#mayAnswerTo(responseTopic)) {
      destinations.push({ topic: responseTopic, properties: correlationData && { correlationData } })
    }
    return destinations
  }

  /** An answer is a JSON object: on the topic of a pool it would be taken for a pool, with this owner's permissions. */
  #mayAnswerTo(responseTopic: string): boolean {
    if (responseTopic === '' || /[+#\0]/.test(responseTopic) || responseTopic.startsWith('$')) return false
    if (responseTopic.startsWith(`${this.#topic}/answer/`)) return true
    const isOfPool = responseTopic === this.#topic || responseTopic.startsWith(`${this.#topic}/`)
    return !isOfPool && !/\/PersistMQTT(\/|$)/.test(responseTopic)
  }
}

/** The same for a request that is sent again; empty where nothing tells it from others. */
function keyOf(kind: string, id: string, properties: Properties | undefined): string {
  if (id !== '') return JSON.stringify([kind, id])
  const { responseTopic, correlationData } = properties ?? {}
  if (responseTopic === undefined || correlationData === undefined) return ''
  const correlation = Array.from(correlationData, (byte) => String.fromCharCode(byte)).join('')
  return JSON.stringify([kind, responseTopic, correlation])
}

const GONE = Promise.resolve(
  encodeText(
    JSON.stringify({
      ok: false,
      error: {
        code: 'ERR_PERSIST_NO_ANSWER',
        message: 'This was asked of an owner of the pool that is gone; this one has not done it, that one may have.',
      },
    }),
  ),
)
