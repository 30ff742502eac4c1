import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { payloadOf, qosOf, topicOf } from './log-record.ts'
import type { RetainedLog } from './retained-log.ts'

type Done = (error?: Error) => void
type AnyClient = Client | null | undefined

// As Aedes itself calls it; its types leave the client out.
type Publish = (this: Aedes, packet: PublishPacket, client: AnyClient, done: Done) => void
const publishNow = Aedes.prototype.publish as unknown as Publish

/**
 * Aedes, with retained messages that are on disk before anybody hears of them.
 *
 * Aedes 1.2 answers a QoS 1 PUBLISH first and stores it then, so a persistence of its own kind, however durable, would
 * come too late. The one place before the answer is `authorizePublish`: there, the message is written and handed out,
 * and then Aedes goes on with its PUBACK, and comes to `publish`, which has nothing left to do.
 */
export class DurableAedes extends Aedes {
  readonly #log: RetainedLog
  /** Of each client, the last message that still waits for the disk. */
  readonly #waiting = new WeakMap<Client, Promise<void>>()
  /** QoS 1 messages that were handed out before their PUBACK. */
  readonly #handedOut = new WeakMap<PublishPacket, Promise<Error | undefined>>()

  constructor(log: RetainedLog, options: Omit<AedesOptions, 'authorizePublish' | 'persistence'>) {
    super(options)
    this.#log = log
    this.authorizePublish = (client, packet, callback) => this.#authorize(client, packet, callback)
  }

  /**
   * Takes over what the log has; to be called before the first client comes.
   *
   * @returns how many messages; one that Aedes does not take (a will may have more levels than it allows) is left out.
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

  // Everything that is published comes through here: QoS 0 and 2, wills, and QoS 1 after its PUBACK.
  override publish(packet: PublishPacket, clientOrDone?: AnyClient | Done, callback: Done = () => {}): void {
    const [client, done] = typeof clientOrDone === 'function' ? [null, clientOrDone] : [clientOrDone, callback]
    const handedOut = this.#handedOut.get(packet)
    if (handedOut !== undefined) {
      // Aedes reads on when its clients have taken the message: a fast publisher cannot flood a slow subscriber.
      void handedOut.then(done)
      return
    }
    const safe = this.#safe(packet, client)
    if (safe === undefined) publishNow.call(this, packet, client, done)
    else safe(() => publishNow.call(this, packet, client, done), done)
  }

  #authorize(client: Client | null, packet: PublishPacket, callback: Done): void {
    if (packet.topic.startsWith('$SYS/')) {
      callback(new Error("Topics under $SYS/ are the broker's own"))
      return
    }
    const safe = packet.qos === 1 ? this.#safe(packet, client) : undefined
    if (safe === undefined) {
      callback()
      return
    }
    safe(() => {
      // Also for a client that has gone meanwhile: what the disk has is what subscribers see.
      const handedOut = new Promise<Error | undefined>((resolve) => publishNow.call(this, packet, client, resolve))
      this.#handedOut.set(packet, handedOut)
      callback()
    }, callback)
  }

  /**
   * Puts a retained message on disk; and keeps what follows it from the same client behind it [MQTT-4.6.0-5].
   *
   * @returns `undefined` where there is nothing to wait for.
   */
  #safe(packet: PublishPacket, client: AnyClient): ((then: () => void, failed: Done) => void) | undefined {
    const earlier = client ? this.#waiting.get(client) : undefined
    if (!packet.retain && earlier === undefined) return undefined
    let written = earlier ?? Promise.resolve()
    if (packet.retain) {
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      const record = this.#log.encode(packet.topic, packet.qos, payload)
      // The record's own bytes: the payload as it came is a view on all that the socket received with it.
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
      // Each in a turn of its own: Aedes numbers messages as they come to it, hands them out a few microtasks later
      // (more for QoS 1 than for QoS 0), and a client takes one with an older number for a duplicate.
      written.then(
        () => setImmediate(released),
        (error: Error) => setImmediate(released, error),
      )
    }
  }
}
