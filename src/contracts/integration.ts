/**
 * Topics beside the pool's on the connection of the store that owns it: what an adapter announces there, and hears.
 *
 * Only the owner has them, and they never hold up the pool: what the broker refuses there is an 'error' event.
 */
export interface SideTopics {
  /** Subscribed to on each connection, at QoS 1. */
  readonly topics: readonly string[]
  /** A message on one of them. What is retained there comes before `linked` is called, on each connection. */
  received(message: SideMessage): void
  /** There is a link, until the next one: the function publishes a retained message at QoS 1; an empty one deletes it. */
  linked(publish: (topic: string, text: string) => void): void
}

export interface SideMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** It was there before we subscribed. */
  readonly retain: boolean
}
