import type { Backend, BackendListener, Held } from '../backend.ts'
import { within } from '../deferred.ts'
import { asPersistError, PersistError } from '../errors.ts'
import { isUnreadable, mayBeProtocol } from './mqtt/connect-error.ts'
import type { Connection } from './mqtt/connection.ts'
import { endpointOf, type MqttEndpoint, type MqttTls } from './mqtt/endpoint.ts'
import { PoolTopic } from './mqtt/pool-topic.ts'
import {
  closesAtWriteError,
  lateError,
  noEchoError,
  noRetainError,
  tooLargeError,
  unreadableError,
} from './mqtt/write-error.ts'

/** Where at which broker a pool is, and how to get in. */
export interface MqttBackendOptions {
  readonly url: string
  readonly topic: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly tls?: MqttTls | undefined
  readonly protocolVersion?: 'auto' | 4 | 5
}

/** The first pause before connecting again, which doubles up to the last; in milliseconds. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 30_000
/** How long one attempt to connect again may take, in milliseconds. */
const RECONNECT_LIMIT_MS = 10_000
/** After so many writes in a row that each lost the connection, it is the broker that closes it. */
const ENOUGH_LOST_WRITES = 3
/** PUBLISH: fixed header (at most 5), topic length, packet identifier, length of no properties (MQTT 5, 3.3). */
const PACKET_OVERHEAD = 5 + 2 + 2 + 1

/** A connection, and the pool's topic on it. */
interface Link {
  readonly connection: Connection
  readonly pool: PoolTopic
  readonly held: Held
}

/** Keeps a pool as one retained message at an MQTT broker. */
export function mqttBackend(options: MqttBackendOptions): Backend {
  return new MqttBackend(options)
}

class MqttBackend implements Backend {
  readonly place: string
  readonly #topic: string
  readonly #endpoint: MqttEndpoint
  #versions: readonly (4 | 5)[]
  #listener: BackendListener | undefined
  #link: Link | undefined
  /** Why there is no link. */
  #offline: PersistError | undefined
  /** Ends what is under way: an attempt to connect, or the pause before it. */
  readonly #closing = new AbortController()
  /** Settles when nothing is under way any more. */
  #underway: Promise<unknown> = Promise.resolve()
  /** Attempts to connect since a write has succeeded, or a connection has lasted. */
  #attempts = 0
  /** Writes in a row during which the connection was lost. */
  #lostWrites = 0

  constructor({ url, topic, protocolVersion = 'auto', ...login }: MqttBackendOptions) {
    this.#endpoint = endpointOf(url, login)
    this.#topic = topic
    this.#versions = protocolVersion === 'auto' ? [5, 4] : [protocolVersion]
    this.place = `${this.#endpoint.shown} ${topic}`
  }

  async open(listener: BackendListener, limitMs: number): Promise<Held> {
    this.#listener = listener
    const connecting = this.#connect(limitMs)
    this.#underway = connecting
    const link = await connecting
    this.#use(link)
    return link.held
  }

  async write(bytes: Uint8Array, limitMs: number): Promise<'written' | 'superseded'> {
    const link = this.#link
    if (link === undefined) throw this.#isClosed ? closedError(this.place) : (this.#offline ?? closedError(this.place))
    const { connection, pool, held } = link
    if (!connection.retainAvailable) throw noRetainError(this.place)
    if (held.limitBytes !== undefined && bytes.length > held.limitBytes) {
      throw tooLargeError(this.place, bytes.length, held.limitBytes)
    }
    const late = () => {
      const error = lateError(this.place, limitMs)
      // A connection on which nothing is answered is of no use any more; the next one may be better.
      connection.drop(error)
      return error
    }
    try {
      // A copy, which slice() of a Buffer would not be: the echo is compared with what was sent.
      const outcome = await within(this.#write(pool, Uint8Array.from(bytes)), limitMs, late)
      this.#attempts = this.#lostWrites = 0
      return outcome
    } catch (error) {
      throw this.#isClosed ? closedError(this.place) : this.#writeError(error, bytes.length)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#underway.catch(() => {})
    await this.#link?.connection.end()
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Where the connection ends again and again when this is written, it is the broker's way to refuse. */
  #writeError(error: unknown, sizeBytes: number): unknown {
    if (!(error instanceof PersistError) || error.code !== 'ERR_PERSIST_CONNECT') return error
    if (isUnreadable(error.cause)) return unreadableError(this.place, sizeBytes, error)
    this.#lostWrites += 1
    return this.#lostWrites < ENOUGH_LOST_WRITES ? error : closesAtWriteError(this.place, sizeBytes, error)
  }

  async #write(pool: PoolTopic, bytes: Uint8Array): Promise<'written' | 'superseded'> {
    if (!(await pool.isStillEmpty())) return 'superseded'
    await pool.write(bytes)
    return 'written'
  }

  /** Connects, and finds out what is held. Everything is let go of when it throws. */
  async #connect(limitMs: number): Promise<Link> {
    const deadline = performance.now() + limitMs
    const connection = await this.#connection(deadline)
    const drop = () => connection.drop(closedError(this.place))
    this.#closing.signal.addEventListener('abort', drop)
    try {
      if (this.#isClosed) drop()
      const pool = new PoolTopic(connection, this.#topic, this.#endpoint.clientId, (bytes) => {
        if (!this.#isClosed) this.#listener?.changed(bytes)
      })
      const late = () => {
        const error = noEchoError(this.place, limitMs)
        // No goodbye, which would take more time.
        connection.drop(error)
        return error
      }
      const found = await within(pool.open(), remaining(deadline), late)
      const limitBytes = connection.maximumPacketSize - PACKET_OVERHEAD - new TextEncoder().encode(this.#topic).length
      const { protocolVersion } = connection
      return { connection, pool, held: { ...found, protocolVersion, ...(limitBytes < Infinity && { limitBytes }) } }
    } catch (error) {
      await connection.end()
      throw this.#isClosed ? closedError(this.place) : error
    } finally {
      this.#closing.signal.removeEventListener('abort', drop)
    }
  }

  async #connection(deadline: number): Promise<Connection> {
    // Loaded here, so that a program that keeps its pools elsewhere never loads an MQTT client.
    const { Connection } = await import('./mqtt/connection.ts')
    const open = (version: 4 | 5) => {
      if (this.#isClosed) throw closedError(this.place)
      return Connection.open(this.#endpoint, version, remaining(deadline), this.#closing.signal)
    }
    const [first, second] = this.#versions
    try {
      return await open(first as 4 | 5)
    } catch (thrown) {
      const error = this.#isClosed ? closedError(this.place) : asPersistError(thrown, this.place, 'opened')
      if (second === undefined || !mayBeProtocol(error)) throw error
      const connection = await open(second)
      this.#versions = [second]
      return connection
    }
  }

  #use(link: Link): void {
    this.#link = link
    const since = performance.now()
    void link.connection.closed.then((cause) => {
      this.#link = undefined
      if (this.#isClosed) return
      if (performance.now() - since > LAST_PAUSE_MS) this.#attempts = 0
      this.#offline = cause
      this.#listener?.offline(cause)
      this.#underway = this.#reconnect()
    })
  }

  /**
   * Tries until it is connected or closed; pauses are random, so that a restarted broker is not met by all at once.
   *
   * They go on growing where connections do not last: a broker that closes at each write is not asked all the time.
   */
  async #reconnect(): Promise<void> {
    let troubled = false
    while (!this.#isClosed) {
      await this.#pause(Math.random() * Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempts++))
      if (this.#isClosed) return
      try {
        const link = await this.#connect(RECONNECT_LIMIT_MS)
        this.#use(link)
        this.#listener?.online(link.held)
        return
      } catch (thrown) {
        if (this.#isClosed) return
        const error = asPersistError(thrown, this.place, 'opened again')
        this.#offline = error
        // No broker yet is what offline says already; a password that is wrong by now is news.
        if (error.code !== 'ERR_PERSIST_DENIED' || troubled) continue
        troubled = true
        this.#listener?.trouble(error)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#closing
      const over = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, ms)
      // A program with nothing else to do ends instead of waiting for a broker.
      ;(timer as { unref?: () => void }).unref?.()
      signal.addEventListener('abort', over)
    })
  }
}

/** What is left of a time, in milliseconds; at least one, since timers take 0 for no limit. */
function remaining(deadline: number): number {
  return Math.max(1, deadline - performance.now())
}

function closedError(store: string): PersistError {
  return new PersistError('ERR_PERSIST_CLOSED', `${store} is closed.`, { store })
}
