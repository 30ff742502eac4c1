import type { IClientOptions, IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt'
import { codeOf } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import type { Endpoint } from './endpoint.ts'
import { type ConnectionFailure, ConnectionLost, PublishRefused } from './failure.ts'
import { PubackScan } from './puback-scan.ts'
import { isSocket, type Socket, UNREFERENCED, type WebSocketRequest, writeTogether } from './socket.ts'

/** The client notices a dead link after 1.5 times this; most routers keep a silent connection for a minute and more. */
const KEEPALIVE_SECONDS = 30

/** How long a broker may take to close after our DISCONNECT, in milliseconds; a link that is dead never does. */
const END_LIMIT_MS = 1000

/** Reason codes from here on are failures (MQTT 5, 2.4), as is the 0x80 of a SUBACK in 3.1.1. */
export const FAILURE = 0x80

/** As PEM texts. */
export interface ConnectionTls {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly cert?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly key?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface ConnectionSettings {
  readonly endpoint: Endpoint
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: ConnectionTls | undefined
  readonly protocolVersion: 4 | 5
  readonly clientId: string
  /** What the broker publishes when this connection ends without a DISCONNECT. */
  readonly will?: NonNullable<IClientOptions['will']>
  /** Many messages are to come: the broker may send as many at once as it can, and acknowledgements go out together. */
  readonly isForMany?: boolean
}

/**
 * How many messages may be on their way unacknowledged, where many are to come. That is what the standard takes where
 * nothing is said (MQTT 5, 3.1.2.11.3); but Mosquitto takes 20 then, queues 1,000, and drops the rest.
 */
const RECEIVE_MAXIMUM = 65_535

/** What a broker says about itself in CONNACK, MQTT 5 only. */
export interface ServerLimits {
  readonly maximumPacketSize: number | undefined
  readonly retainAvailable: boolean
}

/** What goes with a message, MQTT 5 only (3.3.2.3). */
export type MessageProperties = NonNullable<IPublishPacket['properties']>

export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly properties?: MessageProperties | undefined
  /** It was kept, and comes because of a subscription; live messages never have it [MQTT-3.3.1-9]. */
  readonly retain: boolean
  /** The broker's packet identifier, which it counts up from message to message; undefined at QoS 0. */
  readonly packetId: number | undefined
}

/**
 * One network connection of one MQTT.js client: no reconnect, no queue, no session.
 *
 * The only place that knows MQTT.js. Whatever is sent in one tick goes out as one write, since mqtt-packet corks the
 * stream until the tick ends; and nothing here keeps a Node process alive.
 */
export class Connection {
  readonly protocolVersion: 4 | 5
  /** CONNACK came; rejects with ConnectionLost. */
  readonly opened: Promise<ServerLimits>
  /** The connection is over, and why. Never rejects. */
  readonly lost: Promise<ConnectionFailure>
  /** How far it got before CONNACK. */
  reached: 'nothing' | 'tcp' | 'tls' = 'nothing'
  /** The largest packet that the broker takes, in bytes, where it has said so (MQTT 5, 3.2.2.3.6). */
  maximumPacketSize: number = Number.POSITIVE_INFINITY
  onMessage: (message: Message) => void = () => {}
  readonly #opened = deferred<ServerLimits>()
  readonly #lost = deferred<ConnectionFailure>()
  readonly #pending = new Set<Deferred<never>>()
  #client: MqttClient | undefined
  #failure: ConnectionFailure | undefined
  #isOver = false

  constructor(settings: ConnectionSettings) {
    this.protocolVersion = settings.protocolVersion
    this.opened = this.#opened.promise
    this.lost = this.#lost.promise
    void this.#start(settings)
  }

  /** QoS 1; resolves with PUBACK, rejects with PublishRefused or ConnectionLost. */
  publish(topic: string, payload: Uint8Array, retain: boolean, properties?: MessageProperties): Promise<void> {
    const options: IClientPublishOptions = { qos: 1, retain }
    if (properties !== undefined && this.protocolVersion === 5) options.properties = properties
    return this.whileOpen((done, client) => {
      // MQTT.js asks for a Buffer in its types, and takes any Uint8Array.
      client.publish(topic, payload as Buffer, options, (error) => {
        if (!error) return done.resolve()
        // Without a code it is MQTT.js saying that the connection ends, and so does ConnectionLost in a moment.
        if ('code' in error && typeof error.code === 'number') done.reject(new PublishRefused(error.code))
      })
    })
  }

  /** Resolves with one code per topic, from 0x80 on it is a refusal. */
  subscribe(topics: string[], qos: 0 | 1 = 1): Promise<number[]> {
    return this.whileOpen((done, client) => {
      client.subscribe(topics, { qos }, (_error, _granted, packet) => {
        if (packet !== undefined) done.resolve(packet.granted as number[])
      })
    })
  }

  /** Sends it and does not wait for the answer. */
  unsubscribe(topic: string): void {
    if (!this.#isOver) this.#client?.unsubscribe(topic, () => {})
  }

  /** A promise that rejects with ConnectionLost if the connection is over before it settles. */
  whileOpen<Value>(start: (done: Deferred<Value>, client: MqttClient) => void): Promise<Value> {
    const done = deferred<Value>()
    const { promise } = done
    if (this.#isOver || this.#client === undefined) done.reject(this.#reason())
    else {
      // A set of the pending ones, since a race with `lost` would add to that promise as long as the connection lives.
      const entry = done as Deferred<never>
      this.#pending.add(entry)
      promise.finally(() => this.#pending.delete(entry)).catch(() => {})
      start(done, this.#client)
    }
    return promise
  }

  /** The same promise, but rejected with ConnectionLost if the connection is over before it settles. */
  orLost<Value>(promise: Promise<Value>): Promise<Value> {
    return this.whileOpen((done) => {
      promise.then(done.resolve, done.reject)
    })
  }

  /** Says goodbye, so that no will is published, and closes; resolves when it is over, after a second at most. */
  async end(): Promise<void> {
    const client = this.#client
    if (!client?.connected) return this.destroy()
    this.#failure ??= { kind: 'ended' }
    // client.end() would wait for what is in flight, which may never be answered.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id))
    client.end(false)
    const timer = setTimeout(() => client.stream.destroy(), END_LIMIT_MS)
    await this.lost
    clearTimeout(timer)
  }

  /** Closes at once. */
  destroy(): void {
    this.#fail({ kind: 'ended' })
  }

  async #start(settings: ConnectionSettings): Promise<void> {
    try {
      // Lazily: loading MQTT.js takes longer than everything else here, and a store at another backend needs none.
      // Its bundle for browsers has the default export only.
      const { default: mqtt } = await import('mqtt')
      if (this.#isOver) return
      this.#client = mqtt.connect(this.#clientOptions(settings))
      this.#listen(this.#client)
      if (settings.isForMany) writeTogether(this.#client.stream)
    } catch (error) {
      this.#fail({ kind: 'settings', error })
    }
  }

  /** A new object each time: MQTT.js writes into the one that it is given. */
  #clientOptions(settings: ConnectionSettings): IClientOptions {
    const { endpoint, username, password, tls, clientId, will, isForMany } = settings
    const { protocol, host, port, path } = endpoint
    const isSecure = protocol === 'mqtts' || protocol === 'wss'
    const hostname = protocol.startsWith('ws') && host.includes(':') ? `[${host}]` : host
    const options: IClientOptions = {
      protocol,
      host: hostname,
      hostname,
      port,
      path,
      protocolVersion: this.protocolVersion,
      clientId,
      clean: true,
      keepalive: KEEPALIVE_SECONDS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      // The one who waits for CONNACK has a limit of its own.
      connectTimeout: 2 ** 31 - 1,
    }
    if (username !== undefined) options.username = username
    if (password !== undefined) options.password = password
    if (will !== undefined) options.will = will
    if (isForMany && this.protocolVersion === 5) options.properties = { receiveMaximum: RECEIVE_MAXIMUM }
    if (isSecure && tls !== undefined) Object.assign(options, tls)
    if (typeof globalThis.process?.versions?.node === 'string') {
      options.timerVariant = UNREFERENCED
      options.wsOptions = {
        ...(isSecure && tls?.servername !== undefined && { servername: tls.servername }),
        perMessageDeflate: false,
        closeTimeout: END_LIMIT_MS,
        finishRequest: (request: WebSocketRequest) => {
          request.on('socket', (socket) => this.#watch(socket))
          request.end()
        },
        // The types of ws are behind: they do not have closeTimeout yet.
      } as NonNullable<IClientOptions['wsOptions']>
    }
    return options
  }

  #listen(client: MqttClient): void {
    const scan = new PubackScan()
    let start = ''
    let refusal = 0
    if (isSocket(client.stream)) this.#watch(client.stream)
    // Not every error of the stream is passed on by MQTT.js: those without a code are swallowed.
    client.stream.on('error', (error) => this.#fail({ kind: 'network', error, errorCode: codeOf(error) }))
    // Before the listener that parses it, so that its error finds here what it fell over.
    client.stream.prependListener('data', (chunk: Uint8Array) => {
      start ||= String.fromCharCode(...chunk.subarray(0, 60))
      if (this.protocolVersion === 5) scan.push(chunk)
    })
    unref((client as unknown as { connackTimer?: unknown }).connackTimer)
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') refusal = packet.reasonCode ?? packet.returnCode ?? 0
    })
    client.on('connect', ({ properties }) => {
      const { maximumPacketSize, retainAvailable = true } = properties ?? {}
      this.maximumPacketSize = maximumPacketSize ?? Number.POSITIVE_INFINITY
      this.#opened.resolve({ maximumPacketSize, retainAvailable })
    })
    client.on('message', (topic, { buffer, byteOffset, length }, { retain, properties, qos, messageId }) => {
      const packetId = qos === 0 ? undefined : messageId
      this.onMessage({ topic, payload: new Uint8Array(buffer, byteOffset, length), retain, properties, packetId })
    })
    client.on('disconnect', ({ reasonCode = 0 }) => this.#fail({ kind: 'disconnect', code: reasonCode }))
    client.on('error', (error) => {
      const errorCode = codeOf(error)
      if (refusal > 0) this.#fail({ kind: 'refused', code: refusal })
      else if (errorCode !== undefined) this.#fail({ kind: 'network', error, errorCode })
      // The parser gives up for good after an error; the connection would be deaf.
      else if (scan.refusal !== undefined) this.#fail({ kind: 'puback', code: scan.refusal })
      else this.#fail({ kind: 'garbage', error, start })
    })
    client.onKeepaliveTimeout = () => this.#fail({ kind: 'silent' })
    client.on('close', () => this.#over())
  }

  #watch(socket: Socket): void {
    // Without it the second of two small packets in a row waits 40 ms for the acknowledgement of the first.
    socket.setNoDelay(true)
    socket.unref()
    socket.on('connect', () => {
      this.reached = 'tcp'
    })
    socket.on('secureConnect', () => {
      this.reached = 'tls'
    })
  }

  #fail(failure: ConnectionFailure): void {
    this.#failure ??= failure
    if (this.#client === undefined) this.#over()
    else this.#client.stream.destroy()
  }

  #reason(): ConnectionLost {
    return new ConnectionLost(this.#failure ?? { kind: 'closed' })
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    const reason = this.#reason()
    this.#opened.reject(reason)
    for (const { reject } of this.#pending) reject(reason)
    this.#lost.resolve(reason.failure)
  }
}
