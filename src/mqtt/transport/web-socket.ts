import { type Endpoint, isSecure } from './endpoint.ts'
import { joined } from './joined.ts'
import type { Transport, TransportListener, TransportSettings } from './transport.ts'

/** The part of a WebSocket that browsers and the package ws have alike (WHATWG WebSockets). */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onerror: ((event: { readonly error?: unknown; readonly message?: unknown }) => void) | null
  onclose: ((event: never) => void) | null
  send(bytes: Uint8Array): void
  close(): void
  /** Closes without a word; browsers have none. */
  terminate?(): void
}

const CONNECTING = 0
const OPEN = 1

/** Over the WebSocket of the browser. */
export function openBrowserSocket({ endpoint }: TransportSettings, listener: TransportListener): Transport {
  const socket = new WebSocket(webSocketUrl(endpoint), SUBPROTOCOL)
  return overWebSocket(socket as unknown as WebSocketLike, endpoint, listener)
}

/** What came in place of a binary frame. */
class TextFrame extends Error {
  readonly code = 'TEXT_FRAME'
  override message = 'it sent text over the WebSocket [MQTT-6.0.0-1]'
}

/** [MQTT-6.0.0-3] */
export const SUBPROTOCOL = 'mqtt'

export function webSocketUrl({ protocol, host, port, path }: Endpoint): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
}

/** MQTT over a WebSocket that is being opened: binary frames, of which none need be a whole packet (MQTT 5, 6). */
export function overWebSocket(socket: WebSocketLike, endpoint: Endpoint, listener: TransportListener): Transport {
  /** What was sent before it was open. */
  let early: Uint8Array[] = []
  let wasOpened = false
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    wasOpened = true
    listener.reached(isSecure(endpoint) ? 'tls' : 'tcp')
    if (early.length > 0) socket.send(joined(early))
    early = []
  }
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) listener.received(new Uint8Array(data))
    else listener.failed(new TextFrame())
  }
  socket.onerror = ({ error, message }) => {
    // A browser says nothing of a connection that breaks, but that it is closed, which follows.
    if (wasOpened && error === undefined) return
    listener.failed(error ?? new Error(String(message ?? 'WebSocket error')))
  }
  socket.onclose = () => listener.closed()
  return {
    send(parts) {
      if (socket.readyState === OPEN) socket.send(joined(parts))
      else if (socket.readyState === CONNECTING) early.push(...parts)
      // A browser's WebSocket tells by nothing when there is room again.
      return true
    },
    end: () => socket.close(),
    destroy() {
      if (socket.terminate !== undefined) socket.terminate()
      else socket.close()
    },
  }
}
