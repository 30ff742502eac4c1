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
   * Sends with a packet identifier that nothing else has until the answer has come [MQTT-2.2.1-3]. If `send` throws,
   * nothing is waited for.
   *
   * @throws {RangeError} all of them wait for an answer; what `send` throws
   */
  ask<Type extends keyof AnswerOf>(type: Type, send: (packetId: number) => void, take: Awaited<Type>['take']): void {
    if (this.#awaited.size === LAST_ID) throw new RangeError('all 65,535 packet identifiers wait for an answer')
    let packetId = this.#lastId
    do packetId = (packetId % LAST_ID) + 1
    while (this.#awaited.has(packetId))
    send(packetId)
    this.#lastId = packetId
    this.#awaited.set(packetId, { type, take } as unknown as Awaited<never>)
  }

  /** @throws {MalformedPacket} nobody has asked for it [MQTT-4.3.2-2] [MQTT-3.8.4-2] [MQTT-3.10.4-4]; what `take` throws */
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
