import { ECHO_MS } from '../backends/mqtt/fence.ts'
import { encodeText } from '../format/bytes.ts'
import { type Connection, FAILURE, type Message } from '../mqtt/connection.ts'
import { PublishRefused } from '../mqtt/failure.ts'
import { deferred, pause } from '../runtime/promises.ts'
import { randomHex } from '../runtime/random-hex.ts'
import { PacketCount } from './packet-count.ts'

/** After so many messages one more fence is sent: a full queue may have dropped the one before. */
const MESSAGES_A_FENCE = 250
/** From so many on `onMany` is called: half of what Mosquitto queues for a client. */
const MANY_MESSAGES = 500
/** How long after a fence that was taken another one is sent, in milliseconds. */
const FENCE_AGAIN_MS = 100

/** What one reading of everything that is retained has shown. */
export interface Retained {
  /** The broker let a fence through, which came after everything else. */
  readonly isFenced: boolean
  /** Retained messages that came at QoS 1. */
  readonly atQos1: number
  /** Those that came at QoS 0, and their payloads and topics together, in bytes. */
  readonly atQos0: { readonly count: number; readonly bytes: number }
  /** How many the broker has dropped, as far as it can be known. */
  readonly missing: number
  /** So many of these may be fences of ours. */
  readonly lostFences: number
  /** The first of the filters that was refused, and the reason code. */
  readonly refused: readonly [filter: string, code: number] | undefined
}

/** What is read, and how. */
export interface ReadOptions {
  readonly filters: readonly string[]
  readonly qos: 0 | 1
  /** Where a message to ourselves may go; random digits are put after it. */
  readonly fenceTopic: string
  visit(message: Message): void
  /** How long nothing may come, in milliseconds: a large pool takes its time. @default ECHO_MS */
  readonly patienceMs?: number
  /** Called when so many messages have come that the broker may drop some. */
  onMany?(): void
}

/**
 * Subscribes, and resolves when everything that is retained has come: when a fence, sent to ourselves, is back.
 *
 * A broker that queues no more than a number of messages for one client drops the rest, the fence too: so it is sent
 * again while messages come.
 * @throws {ConnectionLost}
 */
export async function readRetained(
  connection: Connection,
  { filters, qos, fenceTopic, visit, patienceMs = ECHO_MS, onMany }: ReadOptions,
): Promise<Retained> {
  const topic = `${fenceTopic}/${randomHex(8)}`
  const packets = new PacketCount()
  const atQos0 = { count: 0, bytes: 0 }
  let atQos1 = 0
  let messages = 0
  let echo = deferred<true>()
  let sent = 0
  /** The first fence that ends this round. */
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
      // Those before it were dropped like others.
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
  // In one segment, and in one packet where that can be: each small answer may wait 40 ms for our ACK of the one before.
  const granted =
    qos === 1
      ? connection.subscribe([topic, ...filters], 1)
      : Promise.all([connection.subscribe([topic], 1), connection.subscribe([...filters], 0)]).then((all) => all.flat())
  sendFence()
  const [own = 0, ...codes] = await granted
  const isHeard = own < FAILURE
  lastAt = performance.now()
  let isFenced = false
  let before = -1
  while (isHeard && isTaken && !isFenced) {
    const isBack = (await connection.orLost(pause(FENCE_AGAIN_MS, echo.promise))) === true
    if (!isBack && performance.now() - lastAt > patienceMs) break
    if (isBack) {
      // Aedes, which speaks 3.1.1 only, lets a fence pass between the messages of a wildcard: once more, until none comes.
      const retained = atQos0.count + atQos1
      isFenced = connection.protocolVersion === 5 || retained === before
      before = retained
      echo = deferred<true>()
      wanted = sent + 1
    }
    if (!isFenced) sendFence()
  }
  // No fence: what is retained comes without a pause, so one is its end.
  while (!isFenced && performance.now() - lastAt < patienceMs) await connection.orLost(pause(FENCE_AGAIN_MS))
  connection.unsubscribe(topic)
  const index = codes.findIndex((code) => code >= FAILURE)
  const refused = index < 0 ? undefined : ([filters[index] ?? '', codes[index] ?? FAILURE] as const)
  return { isFenced, atQos0, atQos1, missing: packets.missing, lostFences: lost ?? 0, refused }
}
