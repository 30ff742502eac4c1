import type { Message } from '../mqtt/connection.ts'
import { type Deferred, deferred, orAfter } from '../runtime/promises.ts'

const DROPPED = '$SYS/broker/publish/messages/dropped'
const UPTIME = '$SYS/broker/uptime'
/** Mosquitto tells about itself every so often (`sys_interval`), 10 seconds unless it is told otherwise; in milliseconds. */
const INTERVAL_LIMIT_MS = 15_000

/** What Mosquitto counts of messages that it has dropped, for whomever they were. */
export class DroppedMessages {
  /** To be subscribed to before everything else. */
  static readonly filters: readonly string[] = [DROPPED, UPTIME]
  #first: string | undefined
  #last: string | undefined
  #tick: Deferred<true> | undefined

  received({ topic, payload, retain }: Message): void {
    const text = new TextDecoder().decode(payload)
    if (topic === DROPPED) {
      this.#first ??= text
      this.#last = text
    } else if (topic === UPTIME && !retain) {
      this.#tick?.resolve(true)
    }
  }

  /** Waits until it has told about itself once more; false: it does not. */
  async told(): Promise<boolean> {
    // Others than Mosquitto do not count, and a user without permission is not told.
    if (this.#first === undefined) return false
    this.#tick = deferred<true>()
    return orAfter(this.#tick.promise, INTERVAL_LIMIT_MS, false)
  }

  /** None has been dropped since the first count. */
  get isNone(): boolean {
    return this.#first !== undefined && this.#first === this.#last
  }
}
