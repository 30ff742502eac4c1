import { ECHO_MS, isFenceMessage, newFenceMessage, TopicChanged } from '../backends/mqtt/fence.ts'
import {
  RETAIN_NOT_SUPPORTED,
  refusalIn,
  topicChangedError,
  WriteFailure,
  writeError,
} from '../backends/mqtt/write-error.ts'
import { encodeText, sameBytes } from '../format/bytes.ts'
import { payloadOf, withRevision } from '../format/payload.ts'
import { guestRevision } from '../format/revision.ts'
import { lateError } from '../mqtt/connect.ts'
import { lostConnection } from '../mqtt/connect-error.ts'
import type { Connection, Message } from '../mqtt/connection.ts'
import { ConnectionLost, PublishRefused } from '../mqtt/failure.ts'
import type { EditorOptions } from '../open/open-editor.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { type Deferred, deferred, pause, within } from '../runtime/promises.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { atOnce } from './at-once.ts'
import { refusedError, SURE_BYTES } from './listing.ts'
import { BY_NAME, nameBatches } from './name-batches.ts'
import { type OwnerKind, Owners } from './owners.ts'
import type { PoolTopics } from './pool-topics.ts'
import { readRetained } from './read-retained.ts'

/**
 * Of a PUBLISH at QoS 1, beside topic and payload: fixed header, length of the topic, packet identifier, length of the
 * properties (MQTT 5, 3.3).
 */
const PUBLISH_BYTES = 5 + 2 + 2 + 1

/** A pool as the broker holds it. */
export interface HeldPool {
  /** Null: the broker holds none of that name. */
  readonly bytes: Uint8Array | null
  readonly owner: OwnerKind
}

/** The pools that a link is for. */
export interface LinkedPools {
  /** The broker, for people. */
  readonly place: string
  readonly topics: PoolTopics
  /** How long a write may take, in milliseconds. */
  readonly saveTimeoutMs: number
  optionsOf(name: string): EditorOptions
}

/** A write on this link. */
interface Write {
  readonly bytes: Uint8Array
  readonly before: Uint8Array | null
  /** It came back: the broker has forwarded it. */
  isEchoed: boolean
}

/**
 * Reads and replaces many pools on one connection, with as many messages on their way as its caller likes. Pools that
 * were read are watched from then on, so that a write finds out whether somebody else was there first.
 */
export class PoolsLink {
  readonly pools: LinkedPools
  readonly #connection: Connection
  /** All pools that were read. */
  readonly #names = new Set<string>()
  readonly #held = new Map<string, Uint8Array>()
  readonly #owners = new Owners()
  /** Pools that somebody else has written since they were read. */
  readonly #changed = new Set<string>()
  /** Pools of which a message has come back: this user would see what is kept. */
  readonly #readable = new Set<string>()
  /** Those whose messages come back under another topic. */
  readonly #misplaced = new Map<string, TopicChanged>()
  /** By what was sent; each resolves with the topic under which it has come back. */
  readonly #probes = new Map<string, Deferred<string>>()
  readonly #writes = new Map<string, Write>()
  /** For revisions: it owns none of the pools that it writes. */
  readonly #writer = randomHex(2)
  #writeCount = 0

  constructor(pools: LinkedPools, connection: Connection) {
    this.pools = pools
    this.#connection = connection
  }

  /** Has this pool been read? */
  knows(name: string): boolean {
    return this.#names.has(name)
  }

  /** A pool that was read, as far as this link knows. */
  held(name: string): HeldPool {
    return { bytes: this.#held.get(name) ?? null, owner: this.#owners.of(name) }
  }

  /**
   * Reads pools, and who owns them.
   *
   * @returns whether what has not come is not there
   * @throws {PersistError} ERR_PERSIST_DENIED
   * @throws {ConnectionLost}
   */
  async read(names: readonly string[]): Promise<boolean> {
    this.#expect(names)
    const hasAll = names.length > BY_NAME && (await this.#readAt())
    // Where some pools are missing, the owners of the others may be missing, too.
    let isSure = true
    for (const batch of this.#batchesOf(hasAll ? this.#unseen(names) : names)) {
      const seen = this.#held.size
      isSure = (await this.#readAt(batch)) && isSure
      // Asking by name finds more only where a broker sends nothing to wildcards (RabbitMQ).
      if (hasAll && this.#held.size === seen) break
    }
    return isSure
  }

  /**
   * Reads pools once more.
   *
   * @throws {PersistError} ERR_PERSIST_DENIED
   * @throws {ConnectionLost}
   */
  async readAgain(names: readonly string[]): Promise<void> {
    this.#expect(names)
    if (names.length > BY_NAME) await this.#readAt()
    for (const batch of this.#batchesOf(this.#unseen(names))) await this.#readAt(batch)
  }

  #expect(names: readonly string[]): void {
    for (const name of names) {
      this.#names.add(name)
      this.#held.delete(name)
    }
  }

  #unseen(names: readonly string[]): string[] {
    return names.filter((name) => !this.#held.has(name))
  }

  /** Reads what is retained of these pools, or of all; true: it is complete. */
  async #readAt(names?: readonly string[]): Promise<boolean> {
    const { topics } = this.pools
    const qos = names === undefined ? 1 : this.#qosByName
    const { isFenced, missing, atQos0, refused } = await readRetained(this.#connection, {
      filters: topics.filters(names),
      fenceTopic: topics.fence,
      qos,
      visit: (message) => this.#received(message),
    })
    const denied = refused.find(([filter]) => !topics.isForLevels(filter))
    if (denied) throw refusedError(denied)
    if (refused.length > 0) return false
    // At QoS 0 identifiers tell nothing, and the messages of a batch fit the queue.
    if (qos === 0) return isFenced
    return isFenced && missing === 0 && atQos0.bytes <= SURE_BYTES
  }

  #batchesOf(names: readonly string[]): Iterable<string[]> {
    return nameBatches(this.pools.topics, names, this.#connection.limits.maximumPacketSize)
  }

  /**
   * With MQTT 5 a broker sends at once whatever we take, and drops nothing at QoS 1. With 3.1.1 it may, and NATS grants
   * no more than 63 subscriptions of QoS 1.
   */
  get #qosByName(): 0 | 1 {
    return this.#connection.protocolVersion === 5 ? 1 : 0
  }

  /**
   * Asks once more for pools that seem not to be there, by name and with a message to ourselves on the topic of each:
   * Mosquitto grants a subscription to a client that may not read, and hides the pool from it; and a cluster's node may
   * learn of a pool late. Where nothing comes back, nothing can be written.
   *
   * @throws {ConnectionLost}
   */
  async lookAgain(names: readonly string[]): Promise<void> {
    const sizeOf = (batch: string[]) => batch.join('').length
    await atOnce(this.#batchesOf(names), SURE_BYTES, sizeOf, async (batch) => {
      const topics = batch.map((name) => this.pools.topics.of(name))
      const granted = this.#connection.subscribe(topics, this.#qosByName)
      await Promise.all([granted, ...batch.map((name) => this.#probe(name))])
    })
  }

  async #probe(name: string): Promise<void> {
    const text = newFenceMessage()
    const topic = this.pools.topics.of(name)
    const echo = deferred<string>()
    this.#probes.set(text, echo)
    try {
      await this.#connection.publish(topic, encodeText(text), false)
      const came = await this.#connection.orLost(pause(ECHO_MS, echo.promise))
      if (came === topic) this.#readable.add(name)
      else if (came !== undefined) this.#misplaced.set(name, new TopicChanged(topic, came))
    } catch (error) {
      if (!(error instanceof PublishRefused)) throw error
    } finally {
      this.#probes.delete(text)
    }
  }

  /**
   * Writes a pool that was read, with a revision of its own, or removes it (no bytes); resolves when the broker has
   * acknowledged that. What has become of it, {@link failureOf} tells after {@link readAgain}.
   *
   * @throws {PersistError} as a store's save(); ERR_PERSIST_FAILED: somebody else has changed it since it was read
   * @throws {ConnectionLost}
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const { saveTimeoutMs } = this.pools
    try {
      await within(this.#acknowledged(name, bytes), saveTimeoutMs, () => {
        // A connection on which nothing is answered may be dead.
        this.#connection.destroy()
        return lateError(this.#nameOf(name), 'saved', saveTimeoutMs, 'the PUBACK')
      })
    } catch (thrown) {
      throw thrown instanceof ConnectionLost ? thrown : this.errorOf(name, thrown, bytes.length)
    }
  }

  async #acknowledged(name: string, pool: Uint8Array): Promise<void> {
    const before = this.#held.get(name) ?? null
    const bytes = this.#signed(pool, before)
    const topic = this.pools.topics.of(name)
    const limitBytes = this.#connection.limits.maximumPacketSize - PUBLISH_BYTES - encodeText(topic).length
    if (!this.#connection.limits.retainAvailable) throw new WriteFailure('refused', bytes.length, RETAIN_NOT_SUPPORTED)
    if (bytes.length > limitBytes) throw new WriteFailure('too large', bytes.length, limitBytes)
    if (this.#changed.has(name)) throw this.changedError(name)
    if (before === null && !this.#readable.has(name)) throw this.#misplaced.get(name) ?? new WriteFailure('unreadable')
    this.#writes.set(name, { bytes, before, isEchoed: false })
    await this.#connection.publish(topic, bytes, true)
  }

  /** An owner that comes back can place the write in what it knows, removals too. */
  #signed(pool: Uint8Array, before: Uint8Array | null): Uint8Array {
    this.#writeCount += 1
    const held = before === null ? undefined : payloadOf(before)
    return withRevision(pool, guestRevision(`${this.#writer}.${this.#writeCount}`, held))
  }

  /** Why the broker does not hold what was written; undefined: it does. */
  failureOf(name: string): PersistError | undefined {
    const { bytes, before, isEchoed } = this.#writes.get(name) as Write
    const held = this.#held.get(name) ?? null
    const isHeld = sameBytes(held, bytes.length === 0 ? null : bytes)
    if (this.#changed.has(name) || !(isHeld || sameBytes(held, before))) return this.changedError(name)
    if (isHeld) return undefined
    return this.errorOf(name, new WriteFailure(isEchoed ? 'not retained' : 'dropped', bytes.length), bytes.length)
  }

  /**
   * Removes a pool, and reads it again to see that it is gone.
   *
   * @throws {PersistError} ERR_PERSIST_DENIED: the broker still has it
   * @throws {ConnectionLost}
   */
  async remove(name: string): Promise<void> {
    const topic = this.pools.topics.of(name)
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    await this.#connection.publish(topic, new Uint8Array(), true).catch((error: unknown) => {
      // It is still there then.
      if (!(error instanceof PublishRefused)) throw error
    })
    await this.readAgain([name])
    if (!this.#held.has(name)) return
    const text =
      `The pool '${name}' at ${this.pools.place} was not deleted: the broker still has it. ` +
      `Give this user write permission on ${topic}; or does a program write it again?`
    throw new PersistError('ERR_PERSIST_DENIED', text, { store: name })
  }

  /** The error for a pool that is not what it was when it was read. */
  changedError(name: string): PersistError {
    const store = this.#nameOf(name)
    const text = `Somebody else has changed ${store} meanwhile. Look at it, and try once more.`
    return new PersistError('ERR_PERSIST_FAILED', text, { store })
  }

  /** The error for whatever has kept a pool of that size from being written. */
  errorOf(name: string, thrown: unknown, sizeBytes: number): PersistError {
    const found = refusalIn(thrown, sizeBytes)
    const store = this.#nameOf(name)
    if (found instanceof WriteFailure) return writeError(found, store, this.pools.topics.of(name))
    if (found instanceof TopicChanged) return topicChangedError(store, 'saved', found)
    if (found instanceof ConnectionLost) return lostConnection(this.pools.place, found)
    return asPersistError(found, store, 'saved')
  }

  /** For messages, as stores call themselves. */
  #nameOf(name: string): string {
    return `'${name}' (${this.pools.place} ${this.pools.topics.of(name)})`
  }

  #received(message: Message): void {
    const { topic, payload, retain } = message
    if (isFenceMessage(payload)) {
      this.#probes.get(new TextDecoder().decode(payload))?.resolve(topic)
      return
    }
    const about = this.pools.topics.parse(topic)
    if (about === undefined || !this.#names.has(about.name)) return
    const { name, kind } = about
    if (kind !== 'pool') this.#owners.received(name, kind, message)
    else this.#receivedPool(name, payload, retain)
  }

  #receivedPool(name: string, payload: Uint8Array, isRetained: boolean): void {
    const now = payload.length === 0 ? undefined : new Uint8Array(payload)
    const write = this.#writes.get(name)
    if (!isRetained && write !== undefined && sameBytes(payload, write.bytes)) write.isEchoed = true
    else if (!isRetained && !sameBytes(now, this.#held.get(name))) this.#changed.add(name)
    if (now === undefined) this.#held.delete(name)
    else this.#held.set(name, now)
  }
}
