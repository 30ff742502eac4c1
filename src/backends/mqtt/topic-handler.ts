import type { Message } from '../../mqtt/connection.ts'

/** What a session listens to beside the pool, on the same connection. */
export interface TopicHandler {
  /** Called before the fence, in the same tick: what is retained there has come when the fence's echo has. */
  subscribe(): Promise<void>
  /** @returns whether the message was for this one */
  received(message: Message): boolean
}
