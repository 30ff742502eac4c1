import type { Backend, BackendListener, Held } from '../backend.ts'
import { within } from '../deferred.ts'
import { asPersistError, PersistError } from '../errors.ts'
import { mayBeProtocol } from './mqtt/connect-error.ts'
import type { Connection } from './mqtt/connection.ts'
import { endpointOf, type MqttEndpoint, type MqttTls } from './mqtt/endpoint.ts'
import { PoolTopic } from './mqtt/pool-topic.ts'

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
  #isClosed = false
  /** Ends what is under way: the pause before an attempt to connect. */
  #wake: (() => void) | undefined
  #connecting: Connection | undefined

  constructor({ url, topic, protocolVersion = 'auto', ...login }: MqttBackendOptions) {
    this.#endpoint = endpointOf(url, login)
    this.#topic = topic
    this.#versions = protocolVersion === 'auto' ? [5, 4] : [protocolVersion]
    this.place = `${this.#endpoint.shown} ${topic}`
  }

  async open(listener: BackendListener, limitMs: number): Promise<Held> {
    this.#listener = listener
    const link = await this.#connect(limitMs)
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
    // A copy: the echo is compared with what was sent, whatever the caller does with its bytes meanwhile.
    return within(this.#write(pool, bytes.slice()), limitMs, late)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake?.()
    this.#connecting?.drop(closedError(this.place))
    await this.#link?.connection.end()
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
    this.#connecting = connection
    try {
      if (this.#isClosed) throw closedError(this.place)
      const pool = new PoolTopic(connection, this.#topic, this.#endpoint.clientId, (bytes) =>
        this.#listener?.changed(bytes),
      )
      const found = await within(pool.open(), remaining(deadline), () => noEchoError(this.place, limitMs))
      const limitBytes = connection.maximumPacketSize - PACKET_OVERHEAD - new TextEncoder().encode(this.#topic).length
      const { protocolVersion } = connection
      return { connection, pool, held: { ...found, protocolVersion, ...(limitBytes < Infinity && { limitBytes }) } }
    } catch (error) {
      await connection.end()
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  async #connection(deadline: number): Promise<Connection> {
    // Loaded here, so that a program that keeps its pools elsewhere never loads an MQTT client.
    const { Connection } = await import('./mqtt/connection.ts')
    const [first, second] = this.#versions
    try {
      return await Connection.open(this.#endpoint, first as 4 | 5, remaining(deadline))
    } catch (thrown) {
      const error = asPersistError(thrown, this.place, 'opened')
      if (second === undefined || this.#isClosed || !mayBeProtocol(error)) throw error
      const connection = await Connection.open(this.#endpoint, second, remaining(deadline))
      this.#versions = [second]
      return connection
    }
  }

  #use(link: Link): void {
    this.#link = link
    void link.connection.closed.then((cause) => {
      this.#link = undefined
      if (this.#isClosed) return
      this.#offline = cause
      this.#listener?.offline(cause)
      void this.#reconnect()
    })
  }

  /** Tries until it is connected or closed; pauses are random, so that a restarted broker is not met by all at once. */
  async #reconnect(): Promise<void> {
    let troubled = false
    for (let attempt = 0; !this.#isClosed; attempt++) {
      await this.#pause(Math.random() * Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt))
      if (this.#isClosed) return
      try {
        const link = await this.#connect(RECONNECT_LIMIT_MS)
        this.#use(link)
        this.#listener?.online(link.held)
        return
      } catch (thrown) {
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
      const timer = setTimeout(resolve, ms)
      // A program with nothing else to do ends instead of waiting for a broker.
      ;(timer as { unref?: () => void }).unref?.()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
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

function lateError(store: string, limitMs: number): PersistError {
  const text = `The broker did not confirm ${store} within ${Math.round(limitMs)} ms: is it overloaded, or the link dead?`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store })
}

function noEchoError(store: string, limitMs: number): PersistError {
  const text = `The broker took the connection, but did not tell what is kept at ${store} within ${limitMs} ms.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store })
}

function noRetainError(store: string): PersistError {
  const text = `${store} cannot be saved: this broker keeps no retained messages (Mosquitto: retain_available true).`
  return new PersistError('ERR_PERSIST_DENIED', text, { store })
}

function tooLargeError(store: string, sizeBytes: number, limitBytes: number): PersistError {
  const text = `${store} cannot be saved: ${sizeBytes} bytes, and this broker takes ${limitBytes} (its Maximum Packet Size).`
  return new PersistError('ERR_PERSIST_TOO_LARGE', text, { store, sizeBytes, limitBytes })
}
