import { unref } from '../runtime/keep-alive.ts'

/** The part of Node's streams, and of those of a browser's client, that is used. */
interface Duplex {
  cork(): void
  uncork(): void
  prependListener(event: 'data', listener: () => void): unknown
}

/**
 * What is written because of a piece of input goes out as one. A write costs more than all the rest of a message: alone,
 * each PUBACK would be one. For a store it would put a save and a look at what is kept into one segment, and Aedes
 * answers the look with what was there before.
 */
export function writeTogether(stream: Duplex): void {
  // A browser has none, and its WebSocket nothing to gain.
  if (typeof setImmediate !== 'function') return
  stream.prependListener('data', () => {
    stream.cork()
    setImmediate(() => stream.uncork())
  })
}

/** The part of Node's sockets that is used; in a browser there are none. */
export interface Socket {
  setNoDelay(on: boolean): unknown
  unref(): unknown
  on(event: 'connect' | 'secureConnect', listener: () => void): unknown
}

/** The request that opens a WebSocket. */
export interface WebSocketRequest {
  on(event: 'socket', listener: (socket: Socket) => void): unknown
  end(): void
}

/** Is it a socket itself, and not a stream over one? */
export function isSocket(stream: object): stream is Socket {
  return 'setNoDelay' in stream && 'unref' in stream
}

/** The keepalive must not keep a program alive that has nothing else to do. */
export const UNREFERENCED: { set(fn: () => void, ms: number): number; clear(timer: number): void } = {
  set: (fn, ms) => {
    const timer: unknown = setInterval(fn, ms)
    unref(timer)
    return timer as number
  },
  clear: (timer) => clearInterval(timer),
}
