import { MAX_POOL_BYTES } from '../format/json.ts'

/** What clients may take of the broker's memory. */
export interface BrokerLimits {
  /**
   * The longest MQTT packet, in bytes; who sends a longer one is disconnected.
   *
   * @default 16 MiB, the largest pool, and 128 KiB for what is around it
   */
  readonly maxPacketBytes: number
  /**
   * How many connections there are at a time, of both ports.
   *
   * Where all are taken, a new one takes the place of the oldest that has not logged in.
   *
   * @default 1000
   */
  readonly maxConnections: number
  /**
   * How much waits for a client that does not read, in bytes; when it is more, the client is disconnected. A client
   * that comes back to its session finds no more than that either.
   *
   * @default 32 MiB
   */
  readonly maxQueueBytes: number
}

export const DEFAULT_LIMITS: BrokerLimits = {
  maxPacketBytes: MAX_POOL_BYTES + 128 * 1024,
  maxConnections: 1000,
  maxQueueBytes: 32 * 2 ** 20,
}

/** The longest CONNECT packet, in bytes: of it nobody knows yet who has sent it. Its largest part is the will. */
export const CONNECT_BYTES: number = 64 * 1024
/** How long a connection may take to log in, in milliseconds. */
export const LOGIN_MS = 10_000
