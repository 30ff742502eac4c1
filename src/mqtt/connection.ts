import { codeOf } from '../runtime/errors.ts'
import { deferred, orAfter } from '../runtime/promises.ts'
import { Answers } from './answers.ts'
import { encodeConnect, encodeDisconnect, PINGREQ } from './codec/encode.ts'
import { MalformedPacket } from './codec/malformed-packet.ts'
import { PacketReader } from './codec/packet-reader.ts'
import type { Properties, ProtocolVersion, Qos, Received, ReceivedConnack, ReceivedPublish } from './codec/packets.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { type ConnectionFailure, ConnectionLost } from './failure.ts'
import { PingTimer } from './ping-timer.ts'
import { Publishes } from './publishes.ts'
import { SendQueue } from './send-queue.ts'
import { limitsOf, type ServerLimits } from './server-limits.ts'
import { type Suback, Subscriptions } from './subscriptions.ts'
import { isBrowser } from './transport/endpoint.ts'
import { openTransport } from './transport/open-transport.ts'
import { CannotBegin, END_LIMIT_MS, type Transport } from './transport/transport.ts'
import { Waiting } from './waiting.ts'

/** The client notices a dead link after twice this at most; most routers keep a silent connection for a minute and more. */
const KEEP_ALIVE_SECONDS = 30

/** What the broker is told: a page that nobody sees has its timers once a minute at most. */
const TOLD_KEEP_ALIVE_SECONDS = isBrowser() ? 4 * KEEP_ALIVE_SECONDS : KEEP_ALIVE_SECONDS

/**
 * How many messages may be on their way unacknowledged, where many are to come. That is what the standard takes where
 * nothing is said (MQTT 5, 3.1.2.11.3); but Mosquitto takes 20 then, queues 1,000, and drops the rest.
 */
const RECEIVE_MAXIMUM = 65_535

/** So much of what is no MQTT is shown, in bytes. */
const START_BYTES = 60

export type { Properties } from './codec/packets.ts'
export type { ConnectionSettings } from './connection-settings.ts'
export type { Suback } from './subscriptions.ts'

/** A message that came. Nobody changes its payload; whoever keeps that for long copies it. */
export type Message = Omit<ReceivedPublish, 'type'>

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
  readonly #queue = new SendQueue({ quiet: () => this.#wake(), room: () => this.#publishes.release() })
  readonly #publishes: Publishes
  readonly #subscriptions: Subscriptions
  readonly #pings = new PingTimer({
    ping: () => this.#queue.add(PINGREQ),
    silent: () => this.#fail({ kind: 'silent' }),
  })
  readonly #wakesBroker: boolean
  #transport: Transport | undefined
  #failure: ConnectionFailure | undefined
  #isOver = false
  /** The beginning of what came, for messages. */
  #start: Uint8Array | undefined
  /** Something has come behind which more may be kept back. */
  #hasHeard = false

  constructor(settings: ConnectionSettings) {
    this.protocolVersion = settings.protocolVersion
    this.opened = this.#opened.promise
    this.lost = this.#lost.promise
    this.#publishes = new Publishes(settings.protocolVersion, this.#answers, this.#queue)
    this.#subscriptions = new Subscriptions(settings.protocolVersion, this.#answers, this.#queue)
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
    return this.#waiting.until((done) => this.#publishes.publish({ topic, payload, retain, properties }, done))
  }

  /**
   * At QoS 0: nobody says whether it arrives.
   *
   * @throws PublishRefused where the packet is larger than the broker takes; RangeError where MQTT cannot carry it
   */
  publishAtMostOnce(topic: string, payload: Uint8Array, properties?: Properties): void {
    if (!this.#isLeft) this.#publishes.publishAtMostOnce({ topic, payload, retain: false, properties })
  }

  /** @throws ConnectionLost; RangeError where MQTT cannot carry a topic */
  subscribe(topics: readonly string[], qos: Qos = 1): Promise<Suback> {
    return this.#waiting.until((done) => this.#subscriptions.subscribe(topics, qos, done))
  }

  /**
   * Sends it and does not wait for the answer.
   *
   * @throws RangeError where MQTT cannot carry the topic
   */
  unsubscribe(topic: string): void {
    if (!this.#isLeft) this.#subscriptions.unsubscribe(topic)
  }

  /** The same promise, but rejected with ConnectionLost if the connection is over before it settles. */
  orLost<Value>(promise: Promise<Value>): Promise<Value> {
    // Where the connection is over already, nobody else may be listening to it.
    promise.catch(() => {})
    return this.#waiting.until((done) => {
      promise.then(done.resolve, done.reject)
    })
  }

  /**
   * Resolves when no message waits for its turn any more; a second later at most, since the broker may take none.
   * Undefined: none waits.
   */
  sent(): Promise<unknown> | undefined {
    const last = this.#publishes.lastHeld
    return last && orAfter(Promise.allSettled([last]), END_LIMIT_MS, undefined)
  }

  /** Says goodbye, so that no will is published, and closes; resolves when it is over, after a second at most. */
  async end(): Promise<void> {
    if (this.#isOpen) this.#leave({ kind: 'ended' })
    else this.destroy()
    await this.lost
  }

  /** Closes at once. */
  destroy(): void {
    this.#fail({ kind: 'ended' })
  }

  async #connect(settings: ConnectionSettings): Promise<void> {
    const { clientId, username, password, will, isForMany } = settings
    try {
      const properties = isForMany ? { receiveMaximum: RECEIVE_MAXIMUM } : undefined
      const connect = { clientId, keepAliveSeconds: TOLD_KEEP_ALIVE_SECONDS, username, password, will, properties }
      this.#queue.add(encodeConnect(connect, this.protocolVersion))
      const transport = await openTransport(settings, {
        reached: (what) => {
          this.reached = what
        },
        received: (bytes) => this.#received(bytes),
        drained: () => this.#queue.drained(),
        failed: (error, meaning) => this.#fail({ kind: 'network', error, errorCode: codeOf(error), meaning }),
        closed: () => this.#over({ kind: 'closed' }),
      })
      if (this.#isOver) return transport.destroy()
      this.#transport = transport
      this.#queue.open((parts) => {
        this.#pings.sent()
        return transport.send(parts)
      })
    } catch (error) {
      const known = error instanceof CannotBegin ? error : undefined
      this.#fail({ kind: 'settings', error: known?.cause ?? error, meaning: known?.meaning })
    }
  }

  get #isOpen(): boolean {
    return this.reached === 'mqtt'
  }

  /** It is over, or this side has let go: nothing that comes counts any more. */
  get #isLeft(): boolean {
    return this.#failure !== undefined
  }

  #received(bytes: Uint8Array): void {
    if (this.#isLeft) return
    // A copy: they are a part of more.
    this.#start ??= new Uint8Array(bytes.subarray(0, START_BYTES))
    this.#pings.heard()
    this.#queue.input()
    try {
      this.#reader.push(bytes)
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error
      this.#refuse(error)
    }
  }

  /** [MQTT-4.13.1-1]: says why, where there is a packet for that, and closes. */
  #refuse(error: MalformedPacket): void {
    if (!this.#isOpen) this.#fail({ kind: 'garbage', error, start: this.#start ?? new Uint8Array() })
    else if (this.protocolVersion === 5) this.#leave({ kind: 'malformed', error }, error.reasonCode)
    else this.#fail({ kind: 'malformed', error })
  }

  #take(packet: Received): void {
    if (this.#isLeft) return
    // A broker that keeps packets back (Mosquitto) sends a message before the PUBACK of its publisher.
    if (packet.type !== 'pingresp' && packet.type !== 'puback') this.#hasHeard = true
    switch (packet.type) {
      case 'publish':
        if (packet.packetId !== undefined) this.#queue.acknowledge(packet.packetId)
        this.#tell(packet)
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

  /** What a handler throws is no fault of what came: it is thrown where nobody catches it, and the connection goes on. */
  #tell(message: Message): void {
    try {
      this.onMessage(message)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
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

  /** Sends DISCONNECT, and closes when that is out: a reset could overtake it. */
  #leave(failure: ConnectionFailure, reasonCode?: number): void {
    if (this.#isLeft) return
    this.#failure = failure
    this.#queue.add(encodeDisconnect(this.protocolVersion, reasonCode))
    this.#queue.flush()
    // [MQTT-3.14.4-2]. What came after it would reset the connection, too.
    this.#queue.close()
    this.#transport?.end()
    const timer = setTimeout(() => this.destroy(), END_LIMIT_MS)
    void this.lost.then(() => clearTimeout(timer))
  }

  #fail(failure: ConnectionFailure): void {
    this.#over(failure)
    this.#transport?.destroy()
  }

  #over(failure: ConnectionFailure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure ??= failure
    this.#pings.stop()
    this.#queue.close()
    const reason = new ConnectionLost(this.#failure)
    this.#opened.reject(reason)
    this.#waiting.end(reason)
    this.#lost.resolve(this.#failure)
  }
}
