import type { BackendListener } from '../../contracts/backend.ts'
import { copyOf, sameBytes } from '../../format/bytes.ts'
import type { Message } from '../../mqtt/connection.ts'

type Bytes = Uint8Array | null

/**
 * Two writes within this time, in milliseconds, race: a broker without one order for all (NATS, RabbitMQ) may keep
 * another message than the one that it delivered last. The nodes of a cluster differ by some 60 ms.
 */
const RACE_MS = 1000

/** A write of ours that is to come back. */
export class Echo {
  readonly bytes: Uint8Array
  /** It has come back. */
  hasCome = false
  #onCome: (() => void) | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  come(): void {
    this.hasCome = true
    this.#onCome?.()
  }

  /** Resolves when it has come back. */
  coming(): Promise<true> {
    return new Promise((resolve) => {
      this.#onCome = () => resolve(true)
      if (this.hasCome) resolve(true)
    })
  }
}

/**
 * The messages on a pool's topic, on one connection: which one is the retained one, which one the echo of our own
 * write, and which one is somebody else's.
 */
export class PoolTopic {
  /** The pool as this session knows it: what it found, then what it last wrote or told. */
  known: Bytes = null
  /** How many messages of others have come: did one come near a write of ours? */
  foreignCount = 0
  /** What a subscription has brought since `askAgain`; undefined: nothing yet. */
  found: Uint8Array | undefined
  /** Called when writes race: the session has to read again what the broker keeps. */
  onRace: () => void = () => {}
  /** When somebody else wrote, and when anybody did, as performance.now() has it. */
  #foreignAt = Number.NEGATIVE_INFINITY
  #writtenAt = Number.NEGATIVE_INFINITY
  /** Something has come on this topic: this user may read it, and `known` is what is there. */
  isProven = false
  #listener: BackendListener | undefined
  #ours: Echo | undefined
  #isAsking = true

  /** From now on the listener hears what others write; `known` is what came before. */
  begin(listener: BackendListener): void {
    this.#listener = listener
    this.#isAsking = false
  }

  /** The session subscribes again: retained messages are the broker's answer to that, no writes of others. */
  askAgain(): void {
    this.found = undefined
    this.#isAsking = true
  }

  answered(): void {
    this.#isAsking = false
  }

  /** A write of ours goes out. */
  expect(bytes: Uint8Array): Echo {
    this.#ours = new Echo(bytes)
    return this.#ours
  }

  expectNothing(): void {
    this.#ours = undefined
  }

  received(message: Message): void {
    const { payload, retain } = message
    const ours = this.#ours
    if (!retain && ours !== undefined && sameBytes(ours.bytes, payload)) {
      this.#ours = undefined
      this.written(ours.bytes)
      this.#listener?.tell({ kind: 'landed' })
      ours.come()
      return
    }
    const bytes = payload.length === 0 ? null : payload
    if (retain && this.#isAsking) {
      this.found = payload
      // What came live is newer than what a slow broker took from its store when we subscribed.
      if (this.#listener === undefined && !this.isProven) this.known = bytes
    } else if (this.#listener === undefined) {
      this.known = bytes
      this.isProven = true
    } else {
      this.isProven = true
      this.#foreign(bytes)
    }
  }

  /** Somebody else's write is so near that ours may not be the one that is kept. */
  get isRaced(): boolean {
    return performance.now() - this.#foreignAt < RACE_MS
  }

  /** When anybody wrote last, as performance.now() has it. */
  get changedAt(): number {
    return Math.max(this.#foreignAt, this.#writtenAt)
  }

  /** The broker has our own write. */
  written(bytes: Uint8Array): void {
    this.isProven = true
    this.known = bytes
    this.#writtenAt = performance.now()
  }

  /** What was found when we asked again is not what we knew. */
  reread(): void {
    this.foreignCount += 1
    this.known = this.found ?? null
    this.#listener?.tell({ kind: 'held', how: 'found', bytes: copyOf(this.known) })
  }

  /** Somebody else's write; one that changes nothing is not worth telling. */
  #foreign(bytes: Bytes): void {
    this.foreignCount += 1
    const last = this.changedAt
    this.#foreignAt = performance.now()
    if (this.#foreignAt - last < RACE_MS || this.#ours !== undefined) this.onRace()
    if (sameBytes(bytes, this.known)) return
    this.known = bytes
    this.#listener?.tell({ kind: 'held', how: 'written', bytes: copyOf(bytes) })
  }
}
