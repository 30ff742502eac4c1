import { payloadOf } from '../format/payload.ts'
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
 * All the pools on one broker, for tools that show them to people. Each call has a connection of its own, so that no
 * subscription lasts longer than the call.
 */
export class Pools {
  readonly options: PoolsOptions
  readonly topics: PoolTopics
  /** The owners of pools, as of the last listing. */
  owners: Owners = new Owners()
  readonly #resolved: ResolvedOptions
  readonly #address: BrokerAddress

  /** @throws {PersistError} ERR_PERSIST_OPTION */
  constructor(options: PoolsOptions = {}) {
    const { answerTimeoutMs: _, topic = DEFAULTS.topic, ...given } = options
    // Any name will do: only the other options are checked, and completed from the environment.
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
   * Visits each pool once, all or those of these names. The bytes are valid only until `visit` returns.
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
    // Not this.owners: several pools may be read at the same time.
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

  /** Size of a pool in bytes, and how many variables it has; undefined: there is none, or what is there is no pool. */
  async sizeOf(name: string): Promise<{ bytes: number; count: number | undefined; owner: OwnerKind }> {
    const { bytes, owner } = await this.read(name)
    const count = bytes === null ? undefined : payloadOf(bytes)?.texts.size
    return { bytes: bytes?.length ?? 0, count, owner }
  }

  /**
   * Replaces a pool by these bytes, without asking its owner; an owner that listens should be asked by an editor
   * instead.
   *
   * @throws {PersistError} as a store's save()
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    // Loaded only when needed: most commands replace no pool.
    const { mqttBackend } = await import('../backends/mqtt/mqtt-backend.ts')
    const { writePool } = await import('./write-pool.ts')
    const backend = mqttBackend({ ...this.#resolved, name, topic: this.topics.of(name), role: 'guest' })
    return writePool(backend, bytes, this.#resolved)
  }

  /**
   * Removes a pool from the broker, and reads it again to see that it is gone.
   *
   * @throws {PersistError} ERR_PERSIST_DENIED: the broker still has it
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
   * Calls `use` with a new connection, and closes that afterwards.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT: there is no connection, or it is lost
   */
  async connected<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = await connect({ ...this.#address, isForMany: true }, this.#resolved.openTimeoutMs)
    try {
      return await use(connection)
    } catch (error) {
      throw error instanceof ConnectionLost ? lostConnection(this.place, error) : error
    } finally {
      await connection.end()
    }
  }
}
