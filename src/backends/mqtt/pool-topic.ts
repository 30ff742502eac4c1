import type { BackendListener, Stamp } from '../../contracts/backend.ts'
import { copyOf, sameBytes } from '../../format/bytes.ts'
import type { Message } from '../../mqtt/connection.ts'
import { type Deferred, deferred } from '../../runtime/promises.ts'
import { stampOf } from './stamp-properties.ts'

type Bytes = Uint8Array | null

/**
 * Writes that come within this time, in milliseconds, race: on brokers without one order for all (NATS, RabbitMQ) the
 * message that is kept need not be the one that was seen last. Across a cluster they differ by some 60 ms.
 */
const RACE_MS = 1000

/**
 * The messages on a pool's topic, on one connection: which one is the retained one, which one the echo of our own
 * write, and which one is somebody else's.
 */
export class PoolTopic {
  /** The pool as it is known here: what was found, then what was last written or reported. */
  known: Bytes = null
  /** What its writer said of what was found. */
  stamp: Stamp | undefined
  /** How many messages of others there were: did one come near a write of ours? */
  foreignCount = 0
  /** What a subscription has brought since `askAgain`; undefined: nothing yet. */
  found: Uint8Array | undefined
  /** Told when writes race, and what is kept should be looked at again. */
  onRace: () => void = () => {}
  /** When somebody else wrote, and when anybody did, as performance.now() has it. */
  #foreignAt = Number.NEGATIVE_INFINITY
  #writtenAt = Number.NEGATIVE_INFINITY
  #foundStamp: Stamp | undefined
  /** Something was seen to come on this topic, so that we may read it, and know what is there. */
  isProven = false
  #listener: BackendListener | undefined
  #ours: { readonly bytes: Uint8Array; readonly echo: Deferred<true> } | undefined
  #isAsking = true

  /** From now on the listener is told what others write. What came before is what `known` says. */
  begin(listener: BackendListener): void {
    this.#listener = listener
    this.#isAsking = false
  }

  /** Our own subscription is renewed: retained messages are the answer to that, no foreign writes. */
  askAgain(): void {
    this.found = undefined
    this.#isAsking = true
  }

  answered(): void {
    this.#isAsking = false
  }

  /** A write of ours goes out; resolves when it comes back. */
  expect(bytes: Uint8Array): Promise<true> {
    const echo = deferred<true>()
    this.#ours = { bytes, echo }
    return echo.promise
  }

  expectNothing(): void {
    this.#ours = undefined
  }

  received({ payload, retain, properties }: Message): void {
    const bytes = payload.length === 0 ? null : payload
    const stamp = stampOf(properties)
    if (retain && this.#isAsking) {
      this.found = payload
      this.#foundStamp = stamp
      // What came live is newer than what a slow broker took from its store when we subscribed.
      if (this.#listener === undefined && !this.isProven) this.#begins(bytes, stamp)
    } else if (this.#listener === undefined) {
      this.#begins(bytes, stamp)
      this.isProven = true
    } else if (!retain && this.#ours !== undefined && sameBytes(this.#ours.bytes, payload)) {
      const { echo } = this.#ours
      this.#ours = undefined
      this.written(payload)
      echo.resolve(true)
    } else {
      this.isProven = true
      this.#foreign(bytes, stamp)
    }
  }

  /** Somebody else's write is so near that ours may not be the one that is kept. */
  get isRaced(): boolean {
    return performance.now() - this.#foreignAt < RACE_MS
  }

  /** Our own write is there. */
  written(bytes: Uint8Array): void {
    this.isProven = true
    this.known = bytes
    this.#writtenAt = performance.now()
  }

  /** What was found when we asked again is not what we knew. */
  reread(): void {
    this.foreignCount += 1
    this.known = this.found ?? null
    this.#listener?.tell({ kind: 'held', how: 'found', bytes: copyOf(this.known), stamp: this.#foundStamp })
  }

  #begins(bytes: Bytes, stamp: Stamp | undefined): void {
    this.known = bytes
    this.stamp = stamp
  }

  /** Somebody else's write; one that changes nothing is not worth telling. */
  #foreign(bytes: Bytes, stamp: Stamp | undefined): void {
    this.foreignCount += 1
    const last = Math.max(this.#foreignAt, this.#writtenAt)
    this.#foreignAt = performance.now()
    if (this.#foreignAt - last < RACE_MS || this.#ours !== undefined) this.onRace()
    if (sameBytes(bytes, this.known)) return
    this.known = bytes
    this.#listener?.tell({ kind: 'held', how: 'written', bytes: copyOf(bytes), stamp })
  }
}
