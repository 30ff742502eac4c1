import type { Endpoint } from './endpoint.ts'
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

const OPEN = 1

/** Over the WebSocket of the browser. */
export function openBrowserSocket({ endpoint }: TransportSettings, listener: TransportListener): Transport {
  const socket = new WebSocket(webSocketUrl(endpoint), SUBPROTOCOL)
  return overWebSocket(socket as unknown as WebSocketLike, listener)
}

/** MQTT 5, 6.0.0-3. */
export const SUBPROTOCOL = 'mqtt'

export function webSocketUrl({ protocol, host, port, path }: Endpoint): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
}

/** MQTT over a WebSocket that is being opened: binary frames, of which none need be a whole packet (MQTT 5, 6). */
export function overWebSocket(socket: WebSocketLike, listener: TransportListener): Transport {
  /** What was sent before it was open. */
  const early: Uint8Array[] = []
  let isEnding = false
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    listener.reached('tcp')
    if (early.length > 0) socket.send(joined(early))
  }
  socket.onmessage = ({ data }) => {
    // [MQTT-6.0.0-1]: a text frame is no MQTT; what it says is read as what it is.
    listener.received(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data as ArrayBuffer))
  }
  socket.onerror = ({ error, message }) => listener.failed(error ?? new Error(String(message ?? 'WebSocket error')))
  socket.onclose = () => listener.closed()
  return {
    send(parts) {
      if (socket.readyState === OPEN) socket.send(joined(parts))
      else if (!isEnding) early.push(...parts)
      // A browser's WebSocket tells by nothing when there is room again.
      return true
    },
    end() {
      isEnding = true
      socket.close()
    },
    destroy() {
      isEnding = true
      if (socket.terminate !== undefined) socket.terminate()
      else socket.close()
    },
  }
}
