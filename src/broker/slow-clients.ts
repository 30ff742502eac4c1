import type { Client } from 'aedes'

type Done = (error?: Error) => void

/** How long a publisher waits for subscribers that do not read, in milliseconds; while one does not, nobody waits. */
const PATIENCE_MS = 100

/**
 * Clients that do not read what they are sent: nobody waits for them, and what waits for them has a limit.
 *
 * Aedes reads on from a publisher when all subscribers have taken its message. That keeps a fast publisher from filling
 * the memory, and lets one subscriber that sleeps stop everybody else.
 */
export class SlowClients {
  readonly #maxQueueBytes: number
  readonly #all = new Set<Client>()
  readonly #slow = new Set<Client>()

  constructor(maxQueueBytes: number) {
    this.#maxQueueBytes = maxQueueBytes
  }

  add(client: Client): void {
    this.#all.add(client)
    client.conn.once('close', () => {
      this.#all.delete(client)
      this.#slow.delete(client)
    })
  }

  /** Calls back when a message was delivered, or when nobody should wait for it any more. */
  patient(done: Done): Done {
    let isOver = false
    const over: Done = (error) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      done(error)
    }
    const timer = setTimeout(
      () => {
        this.#note()
        over()
      },
      this.#slow.size > 0 ? 0 : PATIENCE_MS,
    )
    return over
  }

  /**
   * May a client be sent another message of these bytes? If not, it is disconnected: it has missed something from here
   * on, and learns so.
   */
  hasRoom(client: Client, bytes: number): boolean {
    const { conn } = client
    if (conn.writableLength === 0 || conn.writableLength + bytes <= this.#maxQueueBytes) return !conn.destroyed
    conn.destroy(new Error(`it does not read, and ${conn.writableLength} bytes wait for it`))
    return false
  }

  #note(): void {
    for (const client of this.#all) {
      if (!client.conn.writableNeedDrain || this.#slow.has(client)) continue
      this.#slow.add(client)
      client.conn.once('drain', () => this.#slow.delete(client))
    }
  }
}
