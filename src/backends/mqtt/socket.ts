/** The part of Node's streams, and of those of a browser's client, that is used. */
interface Duplex {
  cork(): void
  uncork(): void
  prependListener(event: 'data', listener: () => void): unknown
}

/** What is written while a piece of input is being read goes out as one; PUBACK by PUBACK it would take longer than the rest. */
export function writeTogether(stream: Duplex): void {
  stream.prependListener('data', () => {
    stream.cork()
    setTimeout(() => stream.uncork(), 0)
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

/** The code of an error of Node's or OpenSSL's, where it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
