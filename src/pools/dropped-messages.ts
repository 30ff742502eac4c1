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

/** Packet identifiers have 16 bits, and none is 0 [MQTT-2.3.1-1]. */
const IDENTIFIERS = 65_535
/** After so many messages in a row, identifiers are counted up and not used again as soon as they are free. */
const SURE = 500

/**
 * Counts what a broker has dropped on its way to us, by the packet identifiers of what came.
 *
 * Mosquitto gives each QoS 1 message the next identifier, also one that it then drops because its queue is full
 * (`max_queued_messages`); it tells nobody. So a gap is as many lost messages (measured with 2.0.11, docs/brokers.md).
 */
export class PacketCount {
  #last: number | undefined
  /** Identifiers that followed one another. */
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
    // The broker takes any identifier that is free, or so many are lost that nobody can count them.
    else if (step === 0 || (packetId < last && this.#inOrder < SURE)) this.#isCounter = false
    else this.#missing += step - 1
  }

  /** How many were dropped, as far as this broker lets us know. */
  get missing(): number {
    return this.#isCounter ? this.#missing : 0
  }
}
