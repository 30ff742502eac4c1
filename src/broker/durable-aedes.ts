import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { payloadOf, qosOf, topicOf } from './log-record.ts'
import type { RetainedLog } from './retained-log.ts'
import type { SlowClients } from './slow-clients.ts'

type Done = (error?: Error) => void
type AnyClient = Client | null | undefined

// As Aedes itself calls it, with the client, which its types leave out.
type Publish = (this: Aedes, packet: PublishPacket, client: AnyClient, done: Done) => void
const publishNow = Aedes.prototype.publish as unknown as Publish

/**
 * Aedes, which writes retained messages to disk before it acknowledges or delivers them.
 *
 * Aedes 1.2 acknowledges a QoS 1 PUBLISH first and stores it then, so any persistence module would write too late. The
 * one hook before the acknowledgement is `authorizePublish`: there this class writes the message and delivers it. Aedes
 * then sends its PUBACK and calls `publish`, which has nothing left to do.
 */
export class DurableAedes extends Aedes {
  readonly #log: RetainedLog
  readonly #slow: SlowClients
  readonly #mayWrite: (client: Client, topic: string) => boolean
  /** The last message of each client that waits for the disk. */
  readonly #waiting = new WeakMap<Client, Promise<void>>()
  /** Messages that their clients may not write. */
  readonly #refused = new WeakSet<PublishPacket>()
  /** QoS 1 messages that were delivered before their PUBACK. */
  readonly #handedOut = new WeakMap<PublishPacket, Promise<Error | undefined>>()

  constructor(
    log: RetainedLog,
    slow: SlowClients,
    options: Omit<AedesOptions, 'authorizePublish' | 'persistence' | 'concurrency'>,
    mayWrite: (client: Client, topic: string) => boolean,
  ) {
    // Without a limit on messages under way: a hundred that one subscriber does not take would stop all others.
    super({ ...options, concurrency: 0 })
    this.#log = log
    this.#slow = slow
    this.#mayWrite = mayWrite
    this.authorizePublish = (client, packet, callback) => this.#authorize(client, packet, callback)
  }

  /**
   * Loads the messages of the log; to be called before the first client connects.
   *
   * @returns how many; without those that Aedes refuses (a will may have more levels than it allows)
   */
  async restore(): Promise<number> {
    let count = 0
    for (const record of this.#log.latest) {
      const [topic, qos, payload] = [topicOf(record), qosOf(record), payloadOf(record)]
      const packet: PublishPacket = { cmd: 'publish', topic, qos, payload, retain: true, dup: false }
      const error = await new Promise<Error | undefined>((resolve) => publishNow.call(this, packet, null, resolve))
      if (!error) count += 1
    }
    return count
  }

  // Aedes calls it for all messages: QoS 0 and 2, wills, and QoS 1 after the PUBACK.
  override publish(packet: PublishPacket, clientOrDone?: AnyClient | Done, callback: Done = () => {}): void {
    const [client, done] = typeof clientOrDone === 'function' ? [null, clientOrDone] : [clientOrDone, callback]
    if (this.#refused.has(packet)) {
      setImmediate(done)
      return
    }
    const handedOut = this.#handedOut.get(packet)
    if (handedOut !== undefined) {
      void handedOut.then(done)
      return
    }
    const safe = this.#safe(packet, client)
    if (safe === undefined) this.#deliver(packet, client, done)
    else safe(() => this.#deliver(packet, client, done), done)
  }

  // Aedes reads on from a publisher when this is done: so a fast publisher does not flood a subscriber that reads.
  #deliver(packet: PublishPacket, client: AnyClient, done: Done): void {
    publishNow.call(this, packet, client, this.#slow.patient(done))
  }

  #authorize(client: Client | null, packet: PublishPacket, callback: Done): void {
    if (packet.topic.startsWith('$SYS/')) {
      callback(new Error("Topics under $SYS/ are the broker's own"))
      return
    }
    if (client && !this.#mayWrite(client, packet.topic)) {
      // Acknowledged and dropped, as by other brokers: MQTT 3.1.1, 3.3.5 has no other answer but to end the connection.
      this.#refused.add(packet)
      callback()
      return
    }
    const safe = packet.qos === 1 ? this.#safe(packet, client) : undefined
    if (safe === undefined) {
      callback()
      return
    }
    safe(() => {
      // Also if the client has gone meanwhile: subscribers get what is on disk.
      const handedOut = new Promise<Error | undefined>((resolve) => this.#deliver(packet, client, resolve))
      this.#handedOut.set(packet, handedOut)
      callback()
    }, callback)
  }

  /**
   * Writes a retained message to disk, and keeps the client's later messages behind it [MQTT-4.6.0-5].
   *
   * @returns undefined: there is nothing to wait for
   */
  #safe(packet: PublishPacket, client: AnyClient): ((then: () => void, failed: Done) => void) | undefined {
    const earlier = client ? this.#waiting.get(client) : undefined
    if (!packet.retain && earlier === undefined) return undefined
    let written = earlier ?? Promise.resolve()
    if (packet.retain) {
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      const record = this.#log.encode(packet.topic, packet.qos, payload)
      // The record's own bytes: the payload as received is a view on a larger buffer of the socket.
      packet.payload = payloadOf(record)
      written = this.#log.append(record)
    }
    if (client) this.#waiting.set(client, written)
    return (then, failed) => {
      const released = (error?: Error) => {
        if (client && this.#waiting.get(client) === written) this.#waiting.delete(client)
        if (error === undefined) then()
        else failed(error)
      }
      // One message in each turn of the event loop: Aedes numbers messages at once and delivers them some microtasks
      // later (later for QoS 1 than for QoS 0), and clients drop one with a lower number as a duplicate.
      written.then(
        () => setImmediate(released),
        (error: Error) => setImmediate(released, error),
      )
    }
  }
}
