import type { Message } from '../mqtt/connection.ts'
import { type Deferred, deferred, orAfter } from '../runtime/promises.ts'

const DROPPED = '$SYS/broker/publish/messages/dropped'
const UPTIME = '$SYS/broker/uptime'
/** Mosquitto publishes its counts every 10 s (`sys_interval`); after this long it does not, in milliseconds. */
const INTERVAL_LIMIT_MS = 15_000
/** Packet identifiers have 16 bits, and none is 0 [MQTT-2.3.1-1]. */
const IDENTIFIERS = 65_535
/** After so many consecutive identifiers the broker counts up, and does not use free ones again. */
const SURE_COUNTER = 500

/** Mosquitto's own count of the messages that it has dropped, of all clients. */
export class DroppedMessages {
  /** Topics to subscribe to before all others. */
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

  /** Resolves when the broker has published its counts once more; false: it does not publish them. */
  async told(): Promise<boolean> {
    // Other brokers have no such count, and a user without permission does not get it.
    if (this.#first === undefined) return false
    this.#tick = deferred<true>()
    return orAfter(this.#tick.promise, INTERVAL_LIMIT_MS, false)
  }

  /** Has the broker dropped nothing since the first count? */
  get isNone(): boolean {
    return this.#first !== undefined && this.#first === this.#last
  }
}

/**
 * Counts the messages that a broker has dropped on their way to us, by gaps in the packet identifiers.
 *
 * Mosquitto gives each QoS 1 message the next identifier, also one that it then drops silently because its queue is
 * full (`max_queued_messages`). So a gap is as many lost messages (measured with 2.0.11, docs/brokers.md).
 */
export class PacketCount {
  #last: number | undefined
  /** How many identifiers followed the one before. */
  #inOrder = 0
  #missing = 0
  #isCounter = true

  /** A QoS 1 message has come. */
  received(packetId: number): void {
    const last = this.#last
    this.#last = packetId
    if (last === undefined) return
    const step = (packetId - last + IDENTIFIERS) % IDENTIFIERS
    if (step === 1) this.#inOrder++
    // The broker takes any free identifier, or has dropped so many messages that they cannot be counted.
    else if (step === 0 || (packetId < last && this.#inOrder < SURE_COUNTER)) this.#isCounter = false
    else this.#missing += step - 1
  }

  /** How many messages the broker has dropped; 0 where it does not count up. */
  get missing(): number {
    return this.#isCounter ? this.#missing : 0
  }
}
