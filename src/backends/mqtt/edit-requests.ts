import type { BackendListener, EditRequest } from '../../backend.ts'
import type { Companion } from './companion.ts'
import type { Connection, Message, MessageProperties } from './connection.ts'

/** So many requests wait for a store that is being opened; an editor whose request is dropped asks again. */
const EARLY_LIMIT = 1000
/** So many answers are remembered, for editors that ask again because an answer did not reach them. */
const REMEMBERED = 1024

const KINDS: { readonly [level: string]: EditRequest['kind'] } = { set: 'patch', increment: 'increment' }

/** An id that is meant for one owner: its last level begins with that owner's session. */
const ADDRESSED = /(?:^|\/)([0-9a-f]{16})-[^/]*$/

interface Destination {
  readonly topic: string
  readonly properties: MessageProperties | undefined
}

/** What editors ask the owner of a pool for, below the pool's topic; docs/protocol.md has the topics. */
export class EditRequests {
  readonly #topic: string
  readonly #session: string
  readonly #early: Message[] = []
  readonly #answers = new Map<string, Promise<Uint8Array>>()
  #listener: BackendListener | undefined
  /** Where answers go: the connection may be another one by then than the one on which was asked. */
  #connection: Connection | undefined

  /** @param session of this owner: different for each store that is opened */
  constructor(topic: string, session: string) {
    this.#topic = topic
    this.#session = session
  }

  /** What is asked on a connection, which is the one for answers from now on. */
  on(connection: Connection): Companion {
    this.#connection = connection
    return {
      subscribe: async () => {
        // `set/#` is `set` too (MQTT 5, 4.7.1.2). Refused: nobody can ask this owner, and it works all the same.
        await connection.subscribe(Object.keys(KINDS).map((level) => `${this.#topic}/${level}/#`))
      },
      received: (message) => this.#received(message),
    }
  }

  /** From now on the listener is asked, also for what came before. */
  begin(listener: BackendListener): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) this.#received(message)
  }

  #received(message: Message): boolean {
    if (!message.topic.startsWith(`${this.#topic}/`)) return false
    const [level = '', ...rest] = message.topic.slice(this.#topic.length + 1).split('/')
    const kind = Object.hasOwn(KINDS, level) ? KINDS[level] : undefined
    if (kind === undefined) return false
    // A retained request would be done again with every connection.
    if (message.retain) return true
    if (this.#listener !== undefined) this.#ask(this.#listener, kind, rest.join('/'), message)
    else if (this.#early.length < EARLY_LIMIT) this.#early.push(message)
    return true
  }

  #ask(listener: BackendListener, kind: EditRequest['kind'], id: string, { payload, properties }: Message): void {
    const destinations = this.#destinations(id, properties)
    const key = keyOf(kind, id, properties)
    const owner = ADDRESSED.exec(id)?.[1]
    const isForOther = owner !== undefined && owner !== this.#session
    const request = { kind, bytes: payload, isAnswered: destinations.length > 0 }
    const answer = isForOther ? GONE : (this.#answers.get(key) ?? listener.requested(request))
    if (key !== '' && !isForOther) this.#remember(key, answer)
    void answer.then((bytes) => {
      for (const { topic, properties } of destinations) {
        // Lost or refused: the editor asks again, or hears nothing, and says so.
        this.#connection?.publish(topic, bytes, false, properties).catch(() => {})
      }
    })
  }

  #destinations(id: string, properties: MessageProperties | undefined): Destination[] {
    const destinations: Destination[] = []
    if (id !== '') destinations.push({ topic: `${this.#topic}/answer/${id}`, properties: undefined })
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

  #remember(key: string, answer: Promise<Uint8Array>): void {
    this.#answers.set(key, answer)
    if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value as string)
  }
}

/** The same for a request that is sent again; empty where nothing tells it from others. */
function keyOf(kind: string, id: string, properties: MessageProperties | undefined): string {
  if (id !== '') return `${kind} ${id}`
  const { responseTopic, correlationData } = properties ?? {}
  if (responseTopic === undefined || correlationData === undefined) return ''
  return `${kind} ${responseTopic} ${Array.from(correlationData).join(' ')}`
}

const GONE = Promise.resolve(
  new TextEncoder().encode(
    JSON.stringify({
      ok: false,
      error: {
        code: 'ERR_PERSIST_NO_ANSWER',
        message: 'This was asked of an owner of the pool that is gone; this one has not done it, that one may have.',
      },
    }),
  ),
)
