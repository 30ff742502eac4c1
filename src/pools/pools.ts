import { decodePayload } from '../format/payload.ts'
import { addressOf, type BrokerAddress } from '../mqtt/address.ts'
import { connect } from '../mqtt/connect.ts'
import { lostConnection } from '../mqtt/connect-error.ts'
import type { Connection } from '../mqtt/connection.ts'
import { ConnectionLost } from '../mqtt/failure.ts'
import type { EditorOptions } from '../open/open-editor.ts'
import { PersistError } from '../runtime/errors.ts'
import { DEFAULTS, type ResolvedOptions, resolveOptions } from '../store/options.ts'
import { type Listing, type ListingOptions, listPools } from './listing.ts'
import { type OwnerKind, Owners } from './owners.ts'
import { assertName, PoolTopics } from './pool-topics.ts'

/** Where pools are: an editor's options without the name; `topic` has `{name}` as one of its levels. */
export type PoolsOptions = Omit<EditorOptions, 'name'>

/** A pool as the broker holds it. */
export interface HeldPool {
  /** Null: the broker holds none of that name. */
  readonly bytes: Uint8Array | null
  readonly owner: OwnerKind
}

/**
 * All the pools on one broker. It is for a person who looks, or a page: each reading has a connection of its own, so that
 * nothing is subscribed to longer than it takes.
 */
export class Pools {
  readonly options: PoolsOptions
  readonly topics: PoolTopics
  /** Who owns the pools, as far as the last listing has shown. */
  owners: Owners = new Owners()
  readonly #resolved: ResolvedOptions
  readonly #address: BrokerAddress

  /** @throws {PersistError} ERR_PERSIST_OPTION */
  constructor(options: PoolsOptions = {}) {
    const { answerTimeoutMs: _, topic = DEFAULTS.topic, ...given } = options
    // Any name: what is checked, and taken from the environment, is the rest.
    const resolved = resolveOptions({ ...given, name: 'x' })
    this.options = options
    this.topics = new PoolTopics(topic)
    this.#resolved = resolved
    this.#address = addressOf(resolved)
  }

  /** The broker, for people: `mqtt://localhost:1883`. */
  get place(): string {
    return this.#address.endpoint.text
  }

  /** Is the link encrypted? */
  get isSecure(): boolean {
    return /^(mqtts|wss)$/.test(this.#address.endpoint.protocol)
  }

  get hasPassword(): boolean {
    return this.#address.password !== undefined
  }

  /** Does it stay on this machine? */
  get isLocal(): boolean {
    return /^(127\.|::1$|localhost$)/.test(this.#address.endpoint.host)
  }

  /** The options of an editor, or a store, of one of the pools. */
  optionsOf(name: string): EditorOptions {
    return { ...this.options, name }
  }

  /**
   * Visits every pool, or those of these names, once; the bytes are the caller's only until it returns.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _TIMEOUT
   */
  async list(visit: (name: string, bytes: Uint8Array) => void, names?: readonly string[]): Promise<Listing> {
    const owners = new Owners()
    this.owners = owners
    return this.#list(visit, owners, names)
  }

  /**
   * One pool as the broker holds it.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _TIMEOUT
   */
  async read(name: string): Promise<HeldPool> {
    let held: Uint8Array | null = null
    // Its own: several pools may be read at the same time.
    const owners = new Owners()
    const visit = (_name: string, bytes: Uint8Array) => {
      held = new Uint8Array(bytes)
    }
    await this.#list(visit, owners, [name])
    return { bytes: held, owner: owners.of(name) }
  }

  async #list(visit: ListingOptions['visit'], owners: Owners, names?: readonly string[]): Promise<Listing> {
    const { topics } = this
    return listPools({ topics, owners, names, visit, connected: (use) => this.connected(use) })
  }

  /** How large what is kept under this name is, and how many variables it has; undefined: it is no pool. */
  async sizeOf(name: string): Promise<{ bytes: number; count: number | undefined; owner: OwnerKind }> {
    const { bytes, owner } = await this.read(name)
    let count: number | undefined
    try {
      if (bytes !== null) count = decodePayload(bytes, name).texts.size
    } catch {
      // Its size is all that can be told.
    }
    return { bytes: bytes?.length ?? 0, count, owner }
  }

  /**
   * Replaces a pool by these bytes as they are, whoever owns it; an owner that listens is to be asked instead.
   *
   * @throws {PersistError} as a store's save()
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    // Loaded when it is needed: most who look at pools replace none.
    const { mqttBackend } = await import('../backends/mqtt/mqtt-backend.ts')
    const { writePool } = await import('./write-pool.ts')
    const backend = mqttBackend({ ...this.#resolved, name, topic: this.topics.of(name), role: 'guest' })
    return writePool(backend, bytes, this.#resolved)
  }

  /**
   * Removes a pool from the broker, and looks whether it is gone.
   *
   * @throws {PersistError} ERR_PERSIST_DENIED where it is not
   */
  async delete(name: string): Promise<void> {
    assertName(name)
    // MQTT 3.1.1, 3.3.1.3: an empty retained message deletes what is retained.
    await this.connected((connection) => connection.publish(this.topics.of(name), new Uint8Array(), true))
    const { bytes } = await this.read(name)
    if (bytes === null) return
    const text =
      `The pool '${name}' at ${this.place} was not deleted: the broker still has it. ` +
      `Give this user write permission on ${this.topics.of(name)}; or does a program write it again?`
    throw new PersistError('ERR_PERSIST_DENIED', text, { store: name })
  }

  /**
   * Does something with a connection of its own, which is closed then.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT where it is lost
   */
  async connected<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result> {
    const { connection } = await connect({ ...this.#address, isForMany: true }, this.#resolved.openTimeoutMs)
    try {
      return await use(connection)
    } catch (error) {
      throw error instanceof ConnectionLost ? lostConnection(this.place, error) : error
    } finally {
      await connection.end()
    }
  }
}
