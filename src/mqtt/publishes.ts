import type { Deferred } from '../runtime/promises.ts'
import type { Answers } from './answers.ts'
import { encodePublish, encodePublishHeader } from './codec/encode.ts'
import type { ProtocolVersion, Publish } from './codec/packets.ts'
import { FAILURE, PublishRefused } from './failure.ts'
import type { SendQueue } from './send-queue.ts'
import { type ServerLimits, UNTOLD } from './server-limits.ts'

/** A payload from here on goes out as it is, in bytes; shorter ones are copied behind their header. */
const LONG_BYTES = 16_384

/** So many messages are unacknowledged at most, whatever the broker takes: half of the packet identifiers are for others. */
const MOST_UNACKNOWLEDGED = 32_767

/** MQTT 5, 2.4: Packet too large; Retain not supported. */
const PACKET_TOO_LARGE = 0x95
const RETAIN_NOT_SUPPORTED = 0x9a

/** A message that is to go out. */
export type OutgoingMessage = Omit<Publish, 'qos' | 'packetId'>

/** The messages that go out on one connection, within what the broker takes. */
export class Publishes {
  limits: ServerLimits = UNTOLD
  readonly #version: ProtocolVersion
  readonly #answers: Answers
  readonly #queue: SendQueue
  #unacknowledged = 0
  /** What waits until the broker, or the transport, takes more. A set, since a long list is slow to take the first from. */
  readonly #held = new Set<{ readonly message: OutgoingMessage; readonly done: Deferred<void> }>()

  constructor(version: ProtocolVersion, answers: Answers, queue: SendQueue) {
    this.#version = version
    this.#answers = answers
    this.#queue = queue
  }

  /**
   * Sends it at QoS 1, or 0 where the broker takes no other, when its turn has come.
   *
   * @throws PublishRefused; RangeError where MQTT cannot carry it
   */
  publish(message: OutgoingMessage, done: Deferred<void>): void {
    if (this.#mayPublish && this.#held.size === 0) this.#send(message, done)
    else this.#held.add({ message, done })
  }

  /**
   * Sends it at QoS 0, at once.
   *
   * @throws as publish()
   */
  publishAtMostOnce(message: OutgoingMessage): void {
    this.#write({ ...message, qos: 0 })
  }

  /** Sends what was held, as far as there is room. */
  release(): void {
    for (const next of this.#held) {
      if (!this.#mayPublish) return
      this.#held.delete(next)
      try {
        this.#send(next.message, next.done)
      } catch (error) {
        next.done.reject(error)
      }
    }
  }

  /** Settles when the broker has the last message that is held; undefined: none is. */
  get lastHeld(): Promise<void> | undefined {
    return [...this.#held].at(-1)?.done.promise
  }

  /** [MQTT-3.3.4-7]: no more than its Receive Maximum unacknowledged. */
  get #mayPublish(): boolean {
    const most = Math.min(this.limits.receiveMaximum, MOST_UNACKNOWLEDGED)
    return !this.#queue.isFull && this.#unacknowledged < most
  }

  #send(message: OutgoingMessage, done: Deferred<void>): void {
    // [MQTT-3.2.2-11]
    if (this.limits.maximumQoS === 0) {
      this.publishAtMostOnce(message)
      done.resolve()
      return
    }
    this.#answers.ask(
      'puback',
      (packetId) => this.#write({ ...message, qos: 1, packetId }),
      ({ reasonCode, properties }) => {
        this.#unacknowledged -= 1
        if (reasonCode < FAILURE) done.resolve()
        else done.reject(new PublishRefused(reasonCode, properties.reasonString))
        this.release()
      },
    )
    this.#unacknowledged += 1
  }

  #write(publish: Publish): void {
    // [MQTT-3.2.2-14]
    if (publish.retain && !this.limits.retainAvailable) throw new PublishRefused(RETAIN_NOT_SUPPORTED)
    const { payload } = publish
    const isLong = payload.length >= LONG_BYTES
    const head = isLong ? encodePublishHeader(publish, this.#version) : encodePublish(publish, this.#version)
    const sizeBytes = head.length + (isLong ? payload.length : 0)
    // [MQTT-3.2.2-15]: the broker would end the connection.
    if (sizeBytes > this.limits.maximumPacketSize) throw new PublishRefused(PACKET_TOO_LARGE)
    this.#queue.add(head)
    if (isLong) this.#queue.add(payload)
  }
}
