import type { SideTopics } from '../../contracts/integration.ts'
import { encodeText } from '../../format/bytes.ts'
import type { Connection } from '../../mqtt/connection.ts'
import { ConnectionLost, PublishRefused, wasClosed } from '../../mqtt/failure.ts'
import { asPersistError, PersistError } from '../../runtime/errors.ts'
import type { TopicHandler } from './topic-handler.ts'

/** Where the broker closes each time at what is published there, nothing more is. */
const CLOSED_EACH_TIME = 2

/** Brings an integration's topics to the connections of a backend; what is refused there is told, and no harm to the pool. */
export class IntegrationTopics {
  readonly #side: SideTopics
  readonly #store: string
  readonly #trouble: (error: PersistError) => void
  #isTold = false
  #closed = 0

  constructor(side: SideTopics, store: string, trouble: (error: PersistError) => void) {
    this.#side = side
    this.#store = store
    this.#trouble = trouble
  }

  /** What is listened to on a connection. */
  on(connection: Connection): TopicHandler {
    const { topics } = this.#side
    return {
      subscribe: async () => {
        if (topics.length > 0) await connection.subscribe([...topics])
      },
      received: (message) => {
        if (topics.includes(message.topic)) this.#side.received(message)
        // Another integration may listen to the same topic.
        return false
      },
    }
  }

  /** The connection is the one to publish on from now on. */
  linked(connection: Connection): void {
    if (this.#closed >= CLOSED_EACH_TIME) return
    // What it rejects with is reported where integrations are attached.
    void this.#side.linked((topic, text) => {
      connection.publish(topic, encodeText(text), true).then(
        () => {
          this.#closed = 0
        },
        (thrown) => this.#failed(thrown, topic),
      )
    })
  }

  #failed(thrown: unknown, topic: string): void {
    if (thrown instanceof ConnectionLost) {
      // The next connection announces again, as long as that does not end it.
      if (wasClosed(thrown.failure)) this.#closed += 1
      if (this.#closed < CLOSED_EACH_TIME) return
    }
    if (this.#isTold) return
    this.#isTold = true
    const isRefused = thrown instanceof PublishRefused || thrown instanceof ConnectionLost
    const text = `Nothing could be announced for store ${this.#store}: the broker refuses ${topic}. Allow this user to write there.`
    const error = isRefused && new PersistError('ERR_PERSIST_DENIED', text, { store: this.#store, cause: thrown })
    this.#trouble(error || asPersistError(thrown, this.#store, 'announced'))
  }
}
