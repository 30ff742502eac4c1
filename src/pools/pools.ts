import { addressOf, type BrokerAddress } from '../mqtt/address.ts'
import { connect } from '../mqtt/connect.ts'
import { lostConnection } from '../mqtt/connect-error.ts'
import type { Connection, ConnectionSettings } from '../mqtt/connection.ts'
import { ConnectionLost } from '../mqtt/failure.ts'
import type { EditorOptions } from '../open/open-editor.ts'
import { DEFAULTS, type ResolvedOptions, resolveOptions } from '../store/options.ts'
import { type Listing, listPools } from './listing.ts'
import { Owners } from './owners.ts'
import { assertName, PoolTopics } from './pool-topics.ts'
import type { HeldPool, LinkedPools, PoolsLink } from './pools-link.ts'

/** Where pools are: an editor's options without the name; `topic` has `{name}` as one of its levels. */
export type PoolsOptions = Omit<EditorOptions, 'name'>

/**
 * All the pools on one broker, for tools that show them to people. Each call has a connection of its own, so that no
 * subscription lasts longer than the call.
 */
export class Pools implements LinkedPools {
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
    return this.#address.storeName
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

  /** How long a write may take, in milliseconds. */
  get saveTimeoutMs(): number {
    return this.#resolved.saveTimeoutMs
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
    return listPools({ topics: this.topics, owners, names, visit, connected: (use) => this.connected(use) })
  }

  /**
   * One pool as the broker holds it.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT, _DENIED, _TIMEOUT
   */
  async read(name: string): Promise<HeldPool> {
    assertName(name)
    return this.linked(async (link) => {
      await link.read([name])
      return link.held(name)
    })
  }

  /**
   * Removes a pool from the broker, and reads it again to see that it is gone.
   *
   * @throws {PersistError} ERR_PERSIST_DENIED: the broker still has it
   */
  async delete(name: string): Promise<void> {
    assertName(name)
    await this.linked((link) => link.remove(name))
  }

  /**
   * Calls `use` with a new connection for work on pools by their names, and closes that afterwards.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT: there is no connection, or it is lost
   */
  async linked<Result>(use: (link: PoolsLink) => Promise<Result>): Promise<Result> {
    // Loaded only when needed: a list needs none.
    const { PoolsLink } = await import('./pools-link.ts')
    return this.connected((connection) => use(new PoolsLink(this, connection)))
  }

  /**
   * Calls `use` with a new connection, and closes that afterwards.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT: there is no connection, or it is lost
   */
  async connected<Result>(
    use: (connection: Connection) => Promise<Result>,
    settings: Pick<ConnectionSettings, 'wakesBroker' | 'will'> = {},
  ): Promise<Result> {
    const connection = await connect({ ...this.#address, isForMany: true, ...settings }, this.#resolved.openTimeoutMs)
    try {
      return await use(connection)
    } catch (error) {
      throw error instanceof ConnectionLost ? lostConnection(this.place, error) : error
    } finally {
      await connection.end()
    }
  }
}
