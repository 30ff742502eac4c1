import { encodeText } from '../../format/bytes.ts'
import type { Connection, Message } from '../../mqtt/connection.ts'
import { FAILURE, PublishRefused } from '../../mqtt/failure.ts'
import { deferred, orAfter, within } from '../../runtime/promises.ts'
import { randomHex } from '../../runtime/random-hex.ts'
import { readRetained } from '../read-retained.ts'

/** How long the broker may take to answer, in milliseconds; silence for longer counts as a no. */
export const LIMIT_MS = 3000

/** The slowest link on which a large pool still arrives in time, in bytes per millisecond. */
const SLOWEST = 2000

/** How long reading or writing a pool of that size may take, in milliseconds. */
export function limitFor(bytes: number): number {
  return LIMIT_MS + bytes / SLOWEST
}

/** A copy of a message that was kept. */
export type RetainedMessage = Pick<Message, 'topic' | 'payload'>

/** Why a message to ourselves did not come back. */
export type Silence = 'refused' | 'not granted' | 'no echo'

/** Publishes a message to ourselves; resolves with what came back, also under another topic, or with why nothing did. */
export async function echoOf(connection: Connection, topic: string): Promise<Message | Silence> {
  const came = deferred<Message>()
  const text = `"persist-mqtt doctor ${randomHex(8)}"`
  connection.onMessage = (message) => {
    if (new TextDecoder().decode(message.payload) === text) came.resolve(message)
  }
  const subscribed = connection.subscribe([topic], 1)
  const published = connection.publish(topic, encodeText(text), false).then(
    () => undefined,
    (error: unknown): Silence => {
      if (error instanceof PublishRefused) return 'refused'
      throw error
    },
  )
  const [{ reasonCodes }, refusal] = await Promise.all([subscribed, published])
  if (refusal !== undefined) return refusal
  if ((reasonCodes[0] ?? 0) >= FAILURE) return 'not granted'
  return connection.orLost(orAfter<Message, Silence>(came.promise, LIMIT_MS, 'no echo'))
}

/** Rounds before a system puts off acknowledgements: Linux begins a connection without that. */
const QUICK_ROUNDS = 20
const GAP_ROUNDS = 11

/** How long after the first of its two answers a broker's second one comes, in milliseconds: the median. */
export async function gapOf(connection: Connection, topic: string): Promise<number> {
  const gaps: number[] = []
  // At QoS 0, since a PUBACK of ours would let the second one go.
  await connection.subscribe([topic], 0)
  for (let round = 0; round < QUICK_ROUNDS + GAP_ROUNDS; round++) {
    const echo = deferred<number>()
    connection.onMessage = () => echo.resolve(performance.now())
    const published = connection.publish(topic, encodeText('"persist-mqtt doctor"'), false)
    const times = Promise.all([echo.promise, published.then(() => performance.now())])
    const [echoed, acknowledged] = await connection.orLost(within(times, LIMIT_MS, () => new Error('no echo came')))
    if (round >= QUICK_ROUNDS) gaps.push(Math.abs(echoed - acknowledged))
  }
  return gaps.toSorted((a, b) => a - b)[Math.floor(GAP_ROUNDS / 2)] as number
}

/** The retained messages at these filters, and whether they came before a message to ourselves. */
export async function retainedAt(
  connection: Connection,
  filters: readonly string[],
  fenceTopic: string,
  patienceMs?: number,
): Promise<{ messages: RetainedMessage[]; isFenced: boolean }> {
  const messages: RetainedMessage[] = []
  const visit = ({ retain, topic, payload }: Message) => {
    if (retain && payload.length > 0) messages.push({ topic, payload: new Uint8Array(payload) })
  }
  const { isFenced } = await readRetained(connection, {
    filters,
    qos: 1,
    fenceTopic,
    visit,
    ...(patienceMs !== undefined && { patienceMs }),
  })
  return { messages, isFenced }
}

/** Publishes a retained message; false: the broker refused it. */
export async function put(connection: Connection, topic: string, payload: Uint8Array): Promise<boolean> {
  try {
    await connection.publish(topic, payload, true)
    return true
  } catch (error) {
    if (error instanceof PublishRefused) return false
    throw error
  }
}
