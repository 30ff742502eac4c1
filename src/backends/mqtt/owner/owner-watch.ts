import type { EditRequest } from '../../../contracts/backend.ts'
import type { Connection, Message } from '../../../mqtt/connection.ts'
import { deferred } from '../../../runtime/promises.ts'
import type { TopicHandler } from '../topic-handler.ts'

/** Longer than what any owner says of itself, in bytes. */
const LIMIT_BYTES = 200

/** Who owns a pool, as far as can be seen from outside. */
export type Owner =
  /** A store, which does what editors ask for. */
  | { readonly kind: 'store'; readonly session: string }
  /** A program that is online under that name and does not say that it owns the pool: a Tasmota device. */
  | { readonly kind: 'device' }
  /** Nobody, or a store whose connection is lost. */
  | { readonly kind: 'none' }

/** An editor's side of a connection: it sees who owns the pool, and hears the answers to what it asks. */
export class OwnerWatch implements TopicHandler {
  readonly #connection: Connection
  readonly #topic: string
  readonly #lwtTopic: string | undefined
  readonly #editor: string
  readonly #answers = new Map<string, (bytes: Uint8Array) => void>()
  readonly #listeners = new Set<() => void>()
  #session: string | undefined
  #lwt = ''

  /** @param editor random digits, in the topics of the answers to this one */
  constructor(connection: Connection, topic: string, lwtTopic: string | undefined, editor: string) {
    this.#connection = connection
    this.#topic = topic
    this.#lwtTopic = lwtTopic
    this.#editor = editor
  }

  get owner(): Owner {
    if (this.#session !== undefined) {
      return this.#lwt === 'Offline' ? { kind: 'none' } : { kind: 'store', session: this.#session }
    }
    return this.#lwt === 'Online' ? { kind: 'device' } : { kind: 'none' }
  }

  /** Tells whenever something was heard of owners; the result stops it. Several questions may be under way. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The owner has closed the pool, and said so; a lost connection of its is something else. */
  get isClosed(): boolean {
    return this.#session === undefined
  }

  async subscribe(): Promise<void> {
    const topics = [`${this.#topic}/owner`, `${this.#topic}/answer/${this.#editor}/+`]
    if (this.#lwtTopic !== undefined) topics.push(this.#lwtTopic)
    await this.#connection.subscribe(topics)
  }

  received({ topic, payload }: Message): boolean {
    const text = () => new TextDecoder().decode(payload)
    if (topic === `${this.#topic}/owner`) this.#session = payload.length > LIMIT_BYTES ? undefined : sessionIn(text())
    else if (topic === this.#lwtTopic) this.#lwt = payload.length > LIMIT_BYTES ? '' : text()
    else {
      const answer = this.#answers.get(topic)
      answer?.(payload)
      return answer !== undefined
    }
    for (const listener of [...this.#listeners]) listener()
    return true
  }

  /**
   * Asks; the promise resolves with the answer, and stays pending where none comes.
   *
   * @param id the same for a request that is sent again
   */
  ask(kind: EditRequest['kind'], id: string, bytes: Uint8Array): Promise<Uint8Array> {
    const answered = deferred<Uint8Array>()
    const path = `${this.#editor}/${id}`
    this.#answers.set(`${this.#topic}/answer/${path}`, answered.resolve)
    const topic = `${this.#topic}/${kind === 'patch' ? 'set' : kind}/${path}`
    this.#connection.publish(topic, bytes, false).catch(answered.reject)
    return answered.promise
  }

  forget(id: string): void {
    this.#answers.delete(`${this.#topic}/answer/${this.#editor}/${id}`)
  }
}

/** The session in what an owner says of itself. */
export function sessionIn(text: string): string | undefined {
  try {
    const { session } = JSON.parse(text) as { session?: unknown }
    return typeof session === 'string' && /^[0-9a-f]{16}$/.test(session) ? session : undefined
  } catch {
    return undefined
  }
}
