import { MalformedPacket, PROTOCOL_ERROR } from './codec/malformed-packet.ts'
import type { Received, ReceivedSuback } from './codec/packets.ts'

/** The largest packet identifier (MQTT 5, 2.2.1). */
const LAST_ID = 65_535

/** The packets that answer one of ours, by its packet identifier. */
interface AnswerOf {
  puback: Extract<Received, { type: 'puback' }>
  suback: ReceivedSuback
  unsuback: ReceivedSuback
}

interface Awaited<Type extends keyof AnswerOf> {
  readonly type: Type
  readonly take: (answer: AnswerOf[Type]) => void
}

/** The packets that wait for an answer on one connection, by their packet identifiers. */
export class Answers {
  readonly #awaited = new Map<number, Awaited<never>>()
  #lastId = 0

  /**
   * A packet identifier that nothing else has until the answer has come [MQTT-2.2.1-3].
   *
   * @throws {RangeError} all of them wait for an answer
   */
  expect<Type extends keyof AnswerOf>(type: Type, take: Awaited<Type>['take']): number {
    if (this.#awaited.size === LAST_ID) throw new RangeError('all 65,535 packet identifiers wait for an answer')
    do this.#lastId = (this.#lastId % LAST_ID) + 1
    while (this.#awaited.has(this.#lastId))
    this.#awaited.set(this.#lastId, { type, take } as unknown as Awaited<never>)
    return this.#lastId
  }

  /** It was not sent. */
  forget(packetId: number): void {
    this.#awaited.delete(packetId)
  }

  /** @throws {MalformedPacket} nobody has asked for it [MQTT-4.3.2-2] [MQTT-3.8.4-2] [MQTT-3.10.4-4] */
  received(answer: AnswerOf[keyof AnswerOf]): void {
    const { packetId, type } = answer
    const awaited = this.#awaited.get(packetId)
    if (awaited?.type !== type) {
      const what = `${type.toUpperCase()} for packet ${packetId}, which was not sent or is answered`
      throw new MalformedPacket(PROTOCOL_ERROR, what)
    }
    this.#awaited.delete(packetId)
    awaited.take(answer as never)
  }
}
