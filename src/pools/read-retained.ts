import { ECHO_MS } from '../backends/mqtt/fence.ts'
import { encodeText } from '../format/bytes.ts'
import type { Connection, Message } from '../mqtt/connection.ts'
import { FAILURE, PublishRefused } from '../mqtt/failure.ts'
import { deferred, pause } from '../runtime/promises.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { PacketCount } from './dropped-messages.ts'

/** A further fence is sent after so many messages: a full queue may have dropped the one before. */
const MESSAGES_A_FENCE = 250
/** `onMany` is called after so many messages: half of what Mosquitto queues for a client. */
const MANY_MESSAGES = 500
/** How long a fence may take before another one is sent, in milliseconds. */
const FENCE_AGAIN_MS = 100

/** MQTT 5, 3.9.3: Wildcard Subscriptions not supported. */
export const NO_WILDCARDS = 0xa2

export type Refusal = readonly [filter: string, code: number]

/** What came with the retained messages, and whether all of them came. */
export interface ReadResult {
  /** A fence came back, after everything that is retained. */
  readonly isFenced: boolean
  /** How many retained messages came at QoS 1. */
  readonly atQos1: number
  /** How many came at QoS 0, and the size of their topics and payloads, in bytes. */
  readonly atQos0: { readonly count: number; readonly bytes: number }
  /** How many QoS 1 messages the broker has dropped, as far as {@link PacketCount} can know. */
  readonly missing: number
  /** How many of the missing messages may be fences of ours. */
  readonly lostFences: number
  /** The filters that the broker refused, and its reason codes (MQTT 5, 3.9.3). */
  readonly refused: readonly Refusal[]
}

/** What to read, and how. */
export interface ReadOptions {
  readonly filters: readonly string[]
  readonly qos: 0 | 1
  /** The topic below which fences, messages to ourselves, may be published; a level of random digits follows. */
  readonly fenceTopic: string
  /** Called for each message on this connection, from now on. */
  visit(message: Message): void
  /** How long the broker may be silent, in milliseconds; a large pool needs more. @default ECHO_MS */
  readonly patienceMs?: number
  /** Called once, when so many messages have come that the broker may drop some. */
  onMany?(): void
}

/**
 * Subscribes, and resolves when everything that is retained has come: MQTT has no end mark, so a message to ourselves,
 * the fence, goes out after the subscription and comes back after the retained messages.
 *
 * A broker with a full queue drops messages, and so perhaps the fence: it is sent again while messages come.
 *
 * @throws {ConnectionLost}
 */
export async function readRetained(
  connection: Connection,
  { filters, qos, fenceTopic, visit, patienceMs = ECHO_MS, onMany }: ReadOptions,
): Promise<ReadResult> {
  const topic = `${fenceTopic}/${randomHex(8)}`
  const packets = new PacketCount()
  const atQos0 = { count: 0, bytes: 0 }
  let atQos1 = 0
  let messages = 0
  let echo = deferred<true>()
  let sent = 0
  /** The number of the fence that ends this round. */
  let wanted = 1
  let lost: number | undefined
  let isTaken = true
  let lastAt = 0
  const sendFence = () => {
    sent++
    connection.publish(topic, encodeText(String(sent)), false).catch((error: unknown) => {
      if (error instanceof PublishRefused) isTaken = false
    })
  }
  connection.onMessage = (message) => {
    const { packetId } = message
    lastAt = performance.now()
    if (packetId !== undefined) packets.received(packetId)
    if (message.topic === topic) {
      const number = Number(new TextDecoder().decode(message.payload))
      // The broker has dropped the fences before the first that came.
      lost ??= number - 1
      if (number >= wanted) echo.resolve(true)
      return
    }
    if (message.retain && packetId !== undefined) atQos1++
    else if (message.retain) {
      atQos0.count++
      atQos0.bytes += message.topic.length + message.payload.length
    }
    visit(message)
    if (++messages % MESSAGES_A_FENCE === 0) sendFence()
    if (messages === MANY_MESSAGES) onMany?.()
  }
  const wildcard = filters.find((filter) => /[+#]/.test(filter))
  if (wildcard !== undefined && !connection.limits.wildcardSubscriptionAvailable) {
    // MQTT 5, 3.2.2.3.11: nobody may ask for that.
    return { isFenced: false, atQos0, atQos1, missing: 0, lostFences: 0, refused: [[wildcard, NO_WILDCARDS]] }
  }
  // In one segment, and in one packet where possible: the broker may hold each small answer back for 40 ms, until our
  // system has acknowledged the one before (Nagle's algorithm and delayed ACKs).
  const granted =
    qos === 1
      ? [connection.subscribe([topic, ...filters], 1)]
      : [connection.subscribe([topic], 1), connection.subscribe([...filters], 0)]
  sendFence()
  const [own = 0, ...codes] = (await Promise.all(granted)).flatMap(({ reasonCodes }) => reasonCodes)
  const isHeard = own < FAILURE
  lastAt = performance.now()
  let isFenced = false
  let before = -1
  while (isHeard && isTaken && !isFenced) {
    const isBack = (await connection.orLost(pause(FENCE_AGAIN_MS, echo.promise))) === true
    if (!isBack && performance.now() - lastAt > patienceMs) break
    if (isBack) {
      // Aedes, which speaks 3.1.1 only, sends a fence between the retained messages of a wildcard. So there, fences go
      // on until one brings no further retained message.
      const retained = atQos0.count + atQos1
      isFenced = connection.protocolVersion === 5 || retained === before
      before = retained
      echo = deferred<true>()
      wanted = sent + 1
    }
    if (!isFenced) sendFence()
  }
  // Without a fence: retained messages come without a pause, so a pause is their end.
  while (!isFenced && performance.now() - lastAt < patienceMs) await connection.orLost(pause(FENCE_AGAIN_MS))
  connection.unsubscribe(topic)
  connection.onMessage = (message) => visit(message)
  const refused = filters.flatMap((filter, index): Refusal[] => {
    const code = codes[index] ?? 0
    return code >= FAILURE ? [[filter, code]] : []
  })
  return { isFenced, atQos0, atQos1, missing: packets.missing, lostFences: lost ?? 0, refused }
}
