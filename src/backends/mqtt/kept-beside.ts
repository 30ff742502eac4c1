import { sameBytes } from '../../format/bytes.ts'
import type { Message } from '../../mqtt/connection.ts'
import { Fence, isFenceMessage } from './fence.ts'
import type { Session } from './session.ts'
import { WriteFailure } from './write-error.ts'

/**
 * Keeps bytes on another topic than the pool's, on the same connection, and resolves when they have been read back: a
 * PUBACK alone proves nothing. A connection of its own would need a client id of its own, which not every broker lets in.
 *
 * @throws WriteFailure, PublishRefused, SubscriptionRefused, TopicChanged or ConnectionLost
 */
export async function keepBeside(session: Session, topic: string, bytes: Uint8Array): Promise<void> {
  const { connection } = session
  const fence = new Fence(connection, topic, session.fencePlace)
  let found: Uint8Array | undefined
  const received = (message: Message) => {
    const { topic: where, payload } = message
    if (isFenceMessage(payload)) return fence.received(message)
    if (where === topic) found = payload
    return where === topic
  }
  const forget = session.alsoHear({ subscribe: async () => {}, received })
  try {
    await connection.publish(topic, bytes, true)
    await fence.probe(() => found !== undefined)
    connection.unsubscribe(topic)
    if (found === undefined || !sameBytes(found, bytes)) throw new WriteFailure('dropped', bytes.length)
  } finally {
    forget()
  }
}
