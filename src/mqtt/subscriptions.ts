import type { Deferred } from '../runtime/promises.ts'
import type { Answers } from './answers.ts'
import { encodeSubscribe, encodeUnsubscribe } from './codec/encode.ts'
import { MalformedPacket, PROTOCOL_ERROR } from './codec/malformed-packet.ts'
import type { ProtocolVersion, Qos } from './codec/packets.ts'
import type { SendQueue } from './send-queue.ts'

/** What the broker answered to SUBSCRIBE. */
export interface Suback {
  /** One for each topic, from 0x80 on it is a refusal. */
  readonly reasonCodes: readonly number[]
  readonly reasonString?: string | undefined
}

/** What one connection asks to hear. */
export class Subscriptions {
  readonly #version: ProtocolVersion
  readonly #answers: Answers
  readonly #queue: SendQueue

  constructor(version: ProtocolVersion, answers: Answers, queue: SendQueue) {
    this.#version = version
    this.#answers = answers
    this.#queue = queue
  }

  /** @throws RangeError where MQTT cannot carry a topic */
  subscribe(topics: readonly string[], qos: Qos, done: Deferred<Suback>): void {
    const subscriptions = topics.map((topic) => ({ topic, qos }))
    this.#answers.ask(
      'suback',
      (packetId) => this.#queue.add(encodeSubscribe(packetId, subscriptions, this.#version)),
      ({ reasonCodes, properties }) => {
        if (reasonCodes.length !== topics.length) {
          const what = `SUBACK with ${reasonCodes.length} codes for ${topics.length} topics [MQTT-3.8.4-6]`
          throw new MalformedPacket(PROTOCOL_ERROR, what)
        }
        done.resolve({ reasonCodes, reasonString: properties.reasonString })
      },
    )
  }

  /** @throws RangeError where MQTT cannot carry the topic */
  unsubscribe(topic: string): void {
    this.#answers.ask(
      'unsuback',
      (packetId) => this.#queue.add(encodeUnsubscribe(packetId, [topic], this.#version)),
      () => {},
    )
  }
}
