// Its bundle for browsers has no other export than the default.
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { deferred } from '../../deferred.ts'
import type { PersistError } from '../../errors.ts'
import { ConnectionFailure, connectError, lostError, tlsOptionError } from './connect-error.ts'
import type { MqttEndpoint } from './endpoint.ts'

/** One message that came in. */
export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  /** Was it retained, and is delivered because of a subscription? Live messages have it false [MQTT-3.3.1-9]. */
  readonly retained: boolean
}

/** Reason codes from here on are failures (MQTT 5, 2.4; also the 0x80 of a 3.1.1 SUBACK). */
export const FAILURE = 0x80

/** MQTT.js takes longer times than this for a dead link: it pings after this many seconds of silence, and waits half of it. */
const KEEPALIVE_SECONDS = 30
/** How long a DISCONNECT may take to get out before the socket is destroyed, in milliseconds. */
const END_MS = 1000

/**
 * One connection to a broker, from CONNACK to its end; never connected again.
 *
 * All that MQTT.js does on its own (connecting again, sending old publishes again, queueing) is turned off: what is
 * sent, and when, is decided by who holds the pool.
 */
export class Connection {
  readonly protocolVersion: 4 | 5
  /** The largest packet that the broker takes, in bytes (MQTT 5, 3.2.2.3.6). */
  readonly maximumPacketSize: number
  /** Does the broker keep retained messages at all (MQTT 5, 3.2.2.3.5)? 3.1.1 does not say. */
  readonly retainAvailable: boolean
  /** Resolves when the connection is gone, with the reason. */
  readonly closed: Promise<PersistError>
  onMessage: (message: Message) => void = () => {}
  readonly #client: MqttClient
  readonly #endpoint: MqttEndpoint
  readonly #closed = deferred<PersistError>()
  #cause: unknown

  private constructor(
    client: MqttClient,
    endpoint: MqttEndpoint,
    protocolVersion: 4 | 5,
    properties: ConnackProperties,
  ) {
    this.#client = client
    this.#endpoint = endpoint
    this.protocolVersion = protocolVersion
    this.maximumPacketSize = properties.maximumPacketSize ?? Number.POSITIVE_INFINITY
    this.retainAvailable = properties.retainAvailable ?? true
    this.closed = this.#closed.promise
    client.on('message', (topic, payload, packet) => this.onMessage({ topic, payload, retained: packet.retain }))
    // What MQTT.js cannot parse leaves it deaf: whatever the error is, this connection is of no more use.
    client.on('error', (cause) => this.drop(cause))
    client.stream.on('error', (cause) => this.drop(cause))
    client.on('disconnect', (packet) => this.drop(new ConnectionFailure(packet.reasonCode ?? 0, 'DISCONNECT')))
    client.on('close', () => this.#closed.resolve(lostError(this.#endpoint, this.#cause)))
  }

  /**
   * Connects with one protocol version, until a signal ends that.
   *
   * @throws {PersistError} ERR_PERSIST_CONNECT, ERR_PERSIST_DENIED, ERR_PERSIST_TIMEOUT, ERR_PERSIST_OPTION
   */
  static async open(
    endpoint: MqttEndpoint,
    protocolVersion: 4 | 5,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Connection> {
    const { client, sockets } = start(endpoint, protocolVersion, limitMs)
    const opened = deferred<Connection>()
    let failure: unknown
    // MQTT.js tells an error first and the close after it; some ends have no error at all.
    const onError = (error: unknown) => {
      failure ??= error
      client.end(true)
    }
    // Of the stream's own errors MQTT.js passes on but a few: EHOSTUNREACH and a WebSocket's are not among them.
    client.stream.on('error', onError)
    let isSecure = false
    client.stream.once('secureConnect', () => {
      isSecure = true
    })
    const onClose = () => opened.reject(connectError(endpoint, failure, { limitMs, isSecure }))
    client.on('error', onError)
    client.on('close', onClose)
    const onAbort = () => client.end(true)
    signal.addEventListener('abort', onAbort)
    client.once('connect', ({ properties = {} }) => {
      client.off('error', onError)
      client.off('close', onClose)
      client.stream.off('error', onError)
      sockets.forEach(quickAndUnobtrusive)
      opened.resolve(new Connection(client, endpoint, protocolVersion, properties))
    })
    try {
      return await opened.promise
    } catch (error) {
      client.end(true)
      client.on('error', () => {})
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Subscribes at QoS 1; resolves with the reason code of each topic, {@link FAILURE} and above are refusals. */
  subscribe(topics: readonly string[]): Promise<number[]> {
    const answered = deferred<number[]>()
    // What comes as an error is in the codes too; without codes the connection is gone, and `closed` says why.
    this.#client.subscribe([...topics], { qos: 1 }, (error, _granted, packet) => {
      const codes = (packet as { granted?: (number | { qos: number })[] } | undefined)?.granted?.map((code) =>
        typeof code === 'number' ? code : code.qos,
      )
      if (codes !== undefined) answered.resolve(codes)
      else if (error === null) answered.resolve(topics.map(() => 1))
    })
    return answered.promise
  }

  /** Publishes at QoS 1; resolves with the reason code of the PUBACK, 0 where the protocol has none. */
  publish(topic: string, payload: Uint8Array | string, { retain = false }: { retain?: boolean } = {}): Promise<number> {
    const answered = deferred<number>()
    // Written as it is: a browser has no Buffer, and MQTT.js wants no more than bytes.
    const bytes = payload as string | Buffer
    this.#client.publish(topic, bytes, { qos: 1, retain }, (error, packet) => {
      const code = (error as { code?: unknown } | null)?.code
      if (!error) answered.resolve((packet as { reasonCode?: number } | undefined)?.reasonCode ?? 0)
      else if (typeof code === 'number') answered.resolve(code)
    })
    return answered.promise
  }

  /** Sends what `send` sends as one segment: the second of two small packets would else wait for an acknowledgement. */
  together(send: () => void): void {
    const { stream } = this.#client
    stream.cork?.()
    send()
    stream.uncork?.()
  }

  /** Ends the connection at once, as if it were lost. */
  drop(cause: unknown): void {
    this.#cause ??= cause
    this.#client.end(true)
    // After an end() that still waits for something, MQTT.js takes no second.
    this.#client.stream.destroy()
  }

  /** Says goodbye to the broker; resolves when the connection is gone. */
  async end(): Promise<void> {
    // With a publish in flight MQTT.js waits for its PUBACK, for ever.
    const timer = setTimeout(() => this.#client.stream.destroy(), END_MS)
    this.#client.end()
    await this.closed
    clearTimeout(timer)
  }
}

interface ConnackProperties {
  maximumPacketSize?: number | undefined
  retainAvailable?: boolean | undefined
}

/** Begins to connect; the sockets in it, as they come to be: none in a browser. */
function start(endpoint: MqttEndpoint, version: 4 | 5, limitMs: number): { client: MqttClient; sockets: NodeSocket[] } {
  const sockets: NodeSocket[] = []
  // An option of the ws package, and the only way to the socket in a WebSocket.
  const finishRequest = (request: NodeRequest) => {
    request.once('socket', (socket) => sockets.push(socket))
    request.end()
  }
  try {
    const client = connect({ ...clientOptions(endpoint, version, limitMs), wsOptions: { finishRequest } })
    sockets.push(client.stream as NodeSocket)
    return { client, sockets }
  } catch (error) {
    // Certificates are read before anything is sent.
    throw tlsOptionError(endpoint, error)
  }
}

/** The options for MQTT.js, which writes into them: a new object each time. */
function clientOptions(endpoint: MqttEndpoint, protocolVersion: 4 | 5, limitMs: number): IClientOptions {
  const { protocol, host, port, path, clientId, username, password, tls } = endpoint
  return {
    protocol,
    host,
    hostname: host,
    port,
    path,
    ...tls,
    clientId,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    protocolVersion,
    protocolId: 'MQTT',
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: limitMs,
    keepalive: KEEPALIVE_SECONDS,
    reschedulePings: true,
    // A worker (MQTT.js's choice in browsers) cannot be unref'd, and many a content security policy forbids it.
    timerVariant: { set: unrefInterval, clear: (timer: unknown) => clearInterval(timer as number) } as never,
  } as IClientOptions
}

function unrefInterval(fn: () => void, ms: number): unknown {
  const timer = setInterval(fn, ms)
  ;(timer as { unref?: () => void }).unref?.()
  return timer
}

interface NodeSocket {
  setNoDelay?(on: boolean): void
  unref?(): void
}

interface NodeRequest {
  once(event: 'socket', listener: (socket: NodeSocket) => void): void
  end(): void
}

/** Small packets go at once, and a connection with nothing to do keeps no process alive. A browser has none of this. */
function quickAndUnobtrusive(socket: NodeSocket): void {
  socket.setNoDelay?.(true)
  socket.unref?.()
}
