import type { EditRequest } from '../../../contracts/backend.ts'
import type { Connection, Message } from '../../../mqtt/connection.ts'
import { deferred, pause } from '../../../runtime/promises.ts'
import type { TopicHandler } from '../topic-handler.ts'
import {
  NO_PRESENCE,
  type Owner,
  ownerOf,
  ownerTopicOf,
  type Presence,
  presenceIn,
  type Said,
  saidIn,
} from './owner-topics.ts'

/**
 * How long an editor waits for the answer before it asks once more, in milliseconds; then twice as long each time. An
 * owner answers when the broker holds the change, which takes more than a second on a bad link only.
 */
const ASK_AGAIN_MS = 1000

/** An editor's side of a connection: it sees who owns the pool, and hears the answers to what it asks. */
export class OwnerWatch implements TopicHandler {
  readonly connection: Connection
  readonly #topic: string
  readonly #lwtTopic: string | undefined
  readonly #editor: string
  readonly #answers = new Map<string, (bytes: Uint8Array) => void>()
  readonly #listeners = new Set<() => void>()
  #said: Said | undefined
  #presence: Presence = NO_PRESENCE

  /** @param editor random digits, in the topics of the answers to this one */
  constructor(connection: Connection, topic: string, lwtTopic: string | undefined, editor: string) {
    this.connection = connection
    this.#topic = topic
    this.#lwtTopic = lwtTopic
    this.#editor = editor
  }

  /** Who owns the pool, as far as the broker has told. */
  get owner(): Owner {
    return ownerOf(this.#said, this.#presence).owner
  }

  /** Calls whenever something comes from owners; the result stops it. Several questions may be under way. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The owner has closed the pool, and said so; where it has lost its connection, that is something else. */
  get isClosed(): boolean {
    return this.#said?.session === undefined
  }

  async subscribe(): Promise<void> {
    const topics = [ownerTopicOf(this.#topic), `${this.#topic}/answer/${this.#editor}/+`]
    if (this.#lwtTopic !== undefined) topics.push(this.#lwtTopic)
    await this.connection.subscribe(topics)
  }

  received(message: Message): boolean {
    const { topic, payload } = message
    if (topic === ownerTopicOf(this.#topic)) this.#said = saidIn(message)
    else if (topic === this.#lwtTopic) {
      this.#presence = presenceIn(message)
      // An owner that is online says so itself.
      if (this.#said?.isOnline) return true
    } else {
      const answer = this.#answers.get(topic)
      answer?.(payload)
      return answer !== undefined
    }
    for (const listener of [...this.#listeners]) listener()
    return true
  }

  /**
   * Asks until `forget()`; the promise resolves with the answer, and stays pending where none comes. The owner does once
   * what it is asked several times.
   *
   * @param id the same where the editor asks on another connection
   * @throws PublishRefused, ConnectionLost
   */
  ask(kind: EditRequest['kind'], id: string, bytes: Uint8Array): Promise<Uint8Array> {
    const answered = deferred<Uint8Array>()
    const path = `${this.#editor}/${id}`
    const answerTopic = `${this.#topic}/answer/${path}`
    this.#answers.set(answerTopic, answered.resolve)
    const topic = `${this.#topic}/${kind === 'patch' ? 'set' : kind}/${path}`
    const isWaiting = () => this.#answers.get(answerTopic) === answered.resolve
    this.#askUntil(answered.promise, isWaiting, topic, bytes).catch(answered.reject)
    return answered.promise
  }

  /**
   * First at QoS 0: it needs no PUBACK, behind which a broker without TCP_NODELAY would keep the answer back. Then at QoS
   * 1: its PUBACK tells of a user that may not ask.
   */
  async #askUntil(
    answered: Promise<Uint8Array>,
    isWaiting: () => boolean,
    topic: string,
    bytes: Uint8Array,
  ): Promise<void> {
    this.connection.publishAtMostOnce(topic, bytes)
    for (let ms = ASK_AGAIN_MS; ; ms *= 2) {
      const answer = await this.connection.orLost(pause(ms, answered))
      if (answer !== undefined || !isWaiting()) return
      await this.connection.publish(topic, bytes, false)
    }
  }

  forget(id: string): void {
    this.#answers.delete(`${this.#topic}/answer/${this.#editor}/${id}`)
  }
}
