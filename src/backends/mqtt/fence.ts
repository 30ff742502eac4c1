/**
 * What fence messages on a pool's own topic begin with.
 *
 * A JSON string, not an object: a Tasmota device that waits for its pool takes any JSON object for it.
 */
const PREFIX = '"persist-mqtt fence '

const prefixBytes = new TextEncoder().encode(PREFIX)

/** A new fence message: its echo is told from every other's by 64 random bits. */
export function newMark(): string {
  const random = crypto.getRandomValues(new Uint8Array(8))
  return `${PREFIX}${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}"`
}

/** Is this the fence message of a store, and so nothing that anybody keeps? */
export function isMark(payload: Uint8Array): boolean {
  return payload.length < 64 && prefixBytes.every((byte, index) => payload[index] === byte)
}

/** The topic for a store's own fence messages: below the pool's, where an access list is likely to allow it. */
export function fenceTopicOf(poolTopic: string, clientId: string): string {
  return `${poolTopic}/fence/${clientId}`
}
