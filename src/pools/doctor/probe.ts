import { encodeText } from '../../format/bytes.ts'
import { type Connection, FAILURE, type Message, type MessageProperties } from '../../mqtt/connection.ts'
import { PublishRefused } from '../../mqtt/failure.ts'
import { deferred, orAfter } from '../../runtime/promises.ts'
import { readRetained } from '../read-retained.ts'

/** How long anything may take, in milliseconds: a broker that is silent for longer does not do it. */
export const LIMIT_MS = 3000

/** A link that is slower than this does not get a large pool through in time, in bytes a millisecond. */
const SLOWEST = 2000

/** How long a pool of that size may take, in milliseconds. */
export function limitFor(bytes: number): number {
  return LIMIT_MS + bytes / SLOWEST
}

/** Why a message did not come back. */
export type Silence = 'refused' | 'not granted' | 'no echo'

/** Sends a message to ourselves; resolves with it, or with why it did not come back. */
export async function echoOf(connection: Connection, topic: string, retain = false): Promise<Message | Silence> {
  const came = deferred<Message>()
  connection.onMessage = (message) => {
    if (message.topic === topic) came.resolve(message)
  }
  const subscribed = connection.subscribe([topic], 1)
  const published = connection.publish(topic, encodeText('"persist-mqtt doctor"'), retain).then(
    () => undefined,
    (error: unknown): Silence => {
      if (error instanceof PublishRefused) return 'refused'
      throw error
    },
  )
  const [codes, refusal] = await Promise.all([subscribed, published])
  if (refusal !== undefined) return refusal
  if ((codes[0] ?? 0) >= FAILURE) return 'not granted'
  return connection.orLost(orAfter<Message, Silence>(came.promise, LIMIT_MS, 'no echo'))
}

/** Everything that is retained at these filters, and whether it came before a message to ourselves. */
export async function retainedAt(
  connection: Connection,
  filters: readonly string[],
  fenceTopic: string,
  patienceMs?: number,
): Promise<{ messages: Message[]; isFenced: boolean }> {
  const messages: Message[] = []
  const visit = (message: Message) => {
    if (message.retain && message.payload.length > 0)
      messages.push({ ...message, payload: new Uint8Array(message.payload) })
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

/** Publishes a retained message; false: the broker said no. */
export async function put(
  connection: Connection,
  topic: string,
  payload: Uint8Array,
  properties?: MessageProperties,
): Promise<boolean> {
  try {
    await connection.publish(topic, payload, true, properties)
    return true
  } catch (error) {
    if (error instanceof PublishRefused) return false
    throw error
  }
}
