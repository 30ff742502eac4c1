import { codeOf } from '../runtime/errors.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import { Answers } from './answers.ts'
import { encodeConnect, encodeDisconnect, encodeSubscribe, encodeUnsubscribe, PINGREQ } from './codec/encode.ts'
import { MalformedPacket, PROTOCOL_ERROR } from './codec/malformed-packet.ts'
import { PacketReader } from './codec/packet-reader.ts'
import type {
  Properties,
  ProtocolVersion,
  Qos,
  Received,
  ReceivedConnack,
  ReceivedPublish,
  Will,
} from './codec/packets.ts'
import { type ConnectionFailure, ConnectionLost } from './failure.ts'
import { PingTimer } from './ping-timer.ts'
import { Publishes } from './publishes.ts'
import { SendQueue } from './send-queue.ts'
import { limitsOf, type ServerLimits } from './server-limits.ts'
import type { Endpoint } from './transport/endpoint.ts'
import { openTransport } from './transport/open-transport.ts'
import { END_LIMIT_MS, PackageMissing, type TlsOptions, type Transport } from './transport/transport.ts'
import { Waiting } from './waiting.ts'

/** The client notices a dead link after twice this at most; most routers keep a silent connection for a minute and more. */
const KEEP_ALIVE_SECONDS = 30

/**
 * How many messages may be on their way unacknowledged, where many are to come. That is what the standard takes where
 * nothing is said (MQTT 5, 3.1.2.11.3); but Mosquitto takes 20 then, queues 1,000, and drops the rest.
 */
const RECEIVE_MAXIMUM = 65_535

export type { Properties } from './codec/packets.ts'

export interface ConnectionSettings {
  readonly endpoint: Endpoint
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: TlsOptions | undefined
  readonly protocolVersion: ProtocolVersion
  readonly clientId: string
  /** What the broker publishes when this connection ends without a DISCONNECT. */
  readonly will?: Will | undefined
  /** Many messages are to come: the broker may send as many at once as it can. */
  readonly isForMany?: boolean
  /** Whether a broker that keeps back packets is woken; not where somebody measures it. @default true */
  readonly wakesBroker?: boolean
}

/** A message that came. Nobody changes its payload; whoever keeps that for long copies it. */
export type Message = Omit<ReceivedPublish, 'type'>

/** What the broker answered to SUBSCRIBE. */
export interface Suback {
  /** One for each topic, from 0x80 on it is a refusal. */
  readonly reasonCodes: readonly number[]
  readonly reasonString?: string | undefined
}

/**
 * One network connection of an MQTT client: no reconnect, no queue over connections, no session.
 *
 * Packets may be sent at once, before CONNACK [MQTT-3.1.4-5]: they go out with CONNECT. What is sent in one tick goes
 * out as one write; and nothing here keeps a Node process alive.
 */
export class Connection {
  readonly protocolVersion: ProtocolVersion
  /** CONNACK came; rejects with ConnectionLost. */
  readonly opened: Promise<ServerLimits>
  /** The connection is over, and why. Never rejects. */
  readonly lost: Promise<ConnectionFailure>
  /** How far it has got; at 'mqtt' CONNACK has come. */
  reached: 'nothing' | 'tcp' | 'tls' | 'mqtt' = 'nothing'
  onMessage: (message: Message) => void = () => {}
  readonly #opened = deferred<ServerLimits>()
  readonly #lost = deferred<ConnectionFailure>()
  readonly #waiting = new Waiting()
  readonly #answers = new Answers()
  readonly #reader: PacketReader
  readonly #queue = new SendQueue(() => this.#wake())
  readonly #publishes: Publishes
  readonly #pings = new PingTimer({
    ping: () => this.#queue.add(PINGREQ),
    silent: () => this.#fail({ kind: 'silent' }),
  })
  readonly #wakesBroker: boolean
  #transport: Transport | undefined
  #failure: ConnectionFailure | undefined
  #isOver = false
  /** The first that came, for messages. */
  #start: Uint8Array | undefined
  /** Something has come, beside PINGRESP, that whoever waits may have waited for. */
  #hasHeard = false

  constructor(settings: ConnectionSettings) {
    this.protocolVersion = settings.protocolVersion
    this.opened = this.#opened.promise
    this.lost = this.#lost.promise
    this.#publishes = new Publishes(settings.protocolVersion, this.#answers, this.#queue)
    this.#reader = new PacketReader(settings.protocolVersion, (packet) => this.#take(packet))
    this.#wakesBroker = settings.wakesBroker ?? true
    void this.#connect(settings)
  }

  /** What the broker has said about itself; before CONNACK what holds where nothing is said. */
  get limits(): ServerLimits {
    return this.#publishes.limits
  }

  /**
   * At QoS 1, or 0 where the broker takes no other; resolves with PUBACK.
   *
   * @throws PublishRefused, also where the packet is larger than the broker takes; ConnectionLost; RangeError where MQTT
   * cannot carry it
   */
  publish(topic: string, payload: Uint8Array, retain: boolean, properties?: Properties): Promise<void> {
    return this.whileOpen((done) => this.#publishes.publish({ topic, payload, retain, properties }, done))
  }

  /**
   * At QoS 0: nobody says whether it arrives.
   *
   * @throws PublishRefused where the packet is larger than the broker takes; RangeError where MQTT cannot carry it
   */
  publishAtMostOnce(topic: string, payload: Uint8Array, properties?: Properties): void {
    if (!this.#isOver) this.#publishes.publishAtMostOnce({ topic, payload, retain: false, properties })
  }

  /** @throws ConnectionLost; RangeError where MQTT cannot carry a topic */
  subscribe(topics: readonly string[], qos: Qos = 1): Promise<Suback> {
    return this.whileOpen((done) => {
      const packetId = this.#answers.expect('suback', ({ reasonCodes, properties }) => {
        // [MQTT-3.9.3-1]
        if (reasonCodes.length !== topics.length) {
          throw new MalformedPacket(
            PROTOCOL_ERROR,
            `SUBACK with ${reasonCodes.length} codes for ${topics.length} topics`,
          )
        }
        done.resolve({ reasonCodes, reasonString: properties.reasonString })
      })
      const subscriptions = topics.map((topic) => ({ topic, qos }))
      this.#queue.add(encodeSubscribe(packetId, subscriptions, this.protocolVersion))
    })
  }

  /** Sends it and does not wait for the answer. */
  unsubscribe(topic: string): void {
    if (this.#isOver) return
    const packetId = this.#answers.expect('unsuback', () => {})
    this.#queue.add(encodeUnsubscribe(packetId, [topic], this.protocolVersion))
  }

  /** A promise that rejects with ConnectionLost if the connection is over before it settles. */
  whileOpen<Value>(start: (done: Deferred<Value>) => void): Promise<Value> {
    return this.#waiting.until(start)
  }

  /** The same promise, but rejected with ConnectionLost if the connection is over before it settles. */
  orLost<Value>(promise: Promise<Value>): Promise<Value> {
    return this.whileOpen((done) => {
      promise.then(done.resolve, done.reject)
    })
  }

  /** Says goodbye, so that no will is published, and closes; resolves when it is over, after a second at most. */
  async end(): Promise<void> {
    const transport = this.#transport
    if (!this.#isOpen || transport === undefined) return this.destroy()
    this.#failure ??= { kind: 'ended' }
    this.#queue.add(encodeDisconnect(this.protocolVersion))
    this.#queue.flush()
    // [MQTT-3.14.4-2]. What came after it would reset the connection, and the goodbye might be lost with that.
    this.#queue.close()
    transport.end()
    const timer = setTimeout(() => transport.destroy(), END_LIMIT_MS)
    await this.lost
    clearTimeout(timer)
  }

  /** Closes at once. */
  destroy(): void {
    this.#fail({ kind: 'ended' })
  }

  async #connect(settings: ConnectionSettings): Promise<void> {
    const { clientId, username, password, will, isForMany } = settings
    try {
      const properties = isForMany ? { receiveMaximum: RECEIVE_MAXIMUM } : undefined
      const connect = { clientId, keepAliveSeconds: KEEP_ALIVE_SECONDS, username, password, will, properties }
      this.#queue.add(encodeConnect(connect, this.protocolVersion))
      const transport = await openTransport(settings, {
        reached: (what) => {
          this.reached = what
        },
        received: (bytes) => this.#received(bytes),
        drained: () => {
          this.#publishes.hasRoom = true
          this.#publishes.release()
        },
        failed: (error) => this.#fail({ kind: 'network', error, errorCode: codeOf(error) }),
        closed: () => this.#over(),
      })
      if (this.#isOver) return transport.destroy()
      this.#transport = transport
      this.#queue.open((parts) => {
        this.#pings.sent()
        this.#publishes.hasRoom = transport.send(parts)
      })
    } catch (error) {
      const isMissing = error instanceof PackageMissing
      this.#fail(isMissing ? { kind: 'missing', packageName: error.packageName, error } : { kind: 'settings', error })
    }
  }

  get #isOpen(): boolean {
    return this.reached === 'mqtt'
  }

  #received(bytes: Uint8Array): void {
    if (this.#isOver) return
    this.#start ??= bytes
    this.#pings.heard()
    this.#queue.input()
    try {
      this.#reader.push(bytes)
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error
      this.#refuse(error)
    }
  }

  /** [MQTT-4.13.1-1]: says why, and closes. */
  #refuse(error: MalformedPacket): void {
    if (this.#isOpen) {
      if (this.protocolVersion === 5) this.#queue.add(encodeDisconnect(5, error.reasonCode))
      this.#queue.flush()
      this.#fail({ kind: 'malformed', error })
    } else this.#fail({ kind: 'garbage', error, start: this.#start ?? new Uint8Array() })
  }

  #take(packet: Received): void {
    // Whatever was still on its way when this side let go.
    if (this.#failure !== undefined) return
    if (packet.type !== 'pingresp') this.#hasHeard = true
    switch (packet.type) {
      case 'publish':
        if (packet.packetId !== undefined) this.#queue.acknowledge(packet.packetId)
        this.onMessage(packet)
        break
      case 'puback':
      case 'suback':
      case 'unsuback':
        this.#answers.received(packet)
        break
      case 'connack':
        this.#connack(packet)
        break
      case 'disconnect': {
        const { reasonCode: code, properties } = packet
        this.#fail({ kind: 'disconnect', code, reasonString: properties.reasonString })
        break
      }
      case 'pingresp':
        break
    }
  }

  #connack({ reasonCode: code, properties }: ReceivedConnack): void {
    if (code !== 0) {
      this.#fail({ kind: 'refused', code, reasonString: properties.reasonString })
      return
    }
    this.reached = 'mqtt'
    this.#publishes.limits = limitsOf(properties)
    // [MQTT-3.2.2-21]: at least as often as the broker wants it; 0 is never.
    this.#pings.start(Math.min(properties.serverKeepAlive || KEEP_ALIVE_SECONDS, KEEP_ALIVE_SECONDS))
    this.#opened.resolve(this.limits)
  }

  /**
   * A broker without TCP_NODELAY (Mosquitto by default) keeps back its next small packet until TCP has acknowledged the
   * one before, which the kernel does some 40 ms later where there is nothing to send (RFC 1122, 4.2.3.2). So there is.
   */
  #wake(): void {
    if (this.#wakesBroker && this.#isOpen && this.#hasHeard && !this.#waiting.isEmpty) this.#queue.add(PINGREQ)
    this.#hasHeard = false
  }

  #fail(failure: ConnectionFailure): void {
    this.#failure ??= failure
    if (this.#transport === undefined) this.#over()
    else this.#transport.destroy()
  }

  #reason(): ConnectionLost {
    return new ConnectionLost(this.#failure ?? { kind: 'closed' })
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pings.stop()
    this.#queue.close()
    const reason = this.#reason()
    this.#opened.reject(reason)
    this.#waiting.end(reason)
    this.#lost.resolve(reason.failure)
  }
}
