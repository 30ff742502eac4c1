import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { codeOf, reasonOf } from '../../runtime/errors.ts'
import { isSecure, isWebSocket } from './endpoint.ts'
import { meaningOf } from './network-error.ts'
import {
  CannotBegin,
  END_LIMIT_MS,
  type TlsOptions,
  type Transport,
  type TransportListener,
  type TransportSettings,
} from './transport.ts'
import { overWebSocket, SUBPROTOCOL, type WebSocketLike, webSocketUrl } from './web-socket.ts'

/**
 * TCP, TLS, or a WebSocket over either. None of them keeps a process alive.
 *
 * @throws {CannotBegin} for WebSockets without the package ws, and where the certificates are none
 */
export async function openOnNode(settings: TransportSettings, told: TransportListener): Promise<Transport> {
  const listener = { ...told, failed: (error: unknown) => told.failed(error, meaningOf(error, settings)) }
  const { host, port } = settings.endpoint
  if (!isSecure(settings.endpoint) && !isWebSocket(settings.endpoint))
    return overSocket(connectTcp({ host, port }), listener)
  try {
    if (isWebSocket(settings.endpoint)) return await openWebSocket(settings, listener)
    const { connect } = await import('node:tls')
    return overSocket(connect({ host, port, ...nodeOptions(settings.tls, host) }), listener)
  } catch (error) {
    if (error instanceof CannotBegin || !isSecure(settings.endpoint)) throw error
    const what = `the connection could not be set up (${reasonOf(error)})`
    const advice = 'Are tls.ca, tls.cert and tls.key PEM texts, and do certificate and key belong together?'
    throw new CannotBegin({ code: 'ERR_PERSIST_OPTION', what, advice }, { cause: error })
  }
}

function overSocket(socket: Socket, listener: TransportListener): Transport {
  watch(socket, listener)
  socket.on('data', (bytes) => listener.received(bytes))
  socket.on('drain', () => listener.drained())
  socket.on('error', (error) => listener.failed(error))
  socket.on('close', () => listener.closed())
  return {
    send(parts) {
      if (parts.length === 1) return socket.write(parts[0] as Uint8Array)
      socket.cork()
      let hasRoom = true
      for (const part of parts) hasRoom = socket.write(part)
      socket.uncork()
      return hasRoom
    },
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  }
}

function watch(socket: Socket, listener: TransportListener): void {
  // Without it the second of two small packets waits until the first one is acknowledged (RFC 896).
  socket.setNoDelay(true)
  socket.unref()
  socket.on('connect', () => listener.reached('tcp'))
  socket.on('secureConnect', () => listener.reached('tls'))
}

/** The package ws, since Node's own WebSocket takes no certificates. */
async function openWebSocket({ endpoint, tls }: TransportSettings, listener: TransportListener): Promise<Transport> {
  const { WebSocket } = await import('ws').catch((error: unknown) => {
    const reason = codeOf(error) === 'ERR_MODULE_NOT_FOUND' ? '' : ` (${reasonOf(error)})`
    const what = `${endpoint.protocol}: in option url needs the package ws`
    throw new CannotBegin(
      { code: 'ERR_PERSIST_OPTION', what, advice: `Install it: npm install ws${reason}` },
      { cause: error },
    )
  })
  const socket = new WebSocket(webSocketUrl(endpoint), [SUBPROTOCOL], {
    ...(isSecure(endpoint) && nodeOptions(tls, endpoint.host)),
    perMessageDeflate: false,
    closeTimeout: END_LIMIT_MS,
    finishRequest: (request: HttpRequest) => {
      request.on('socket', (raw) => watch(raw, listener))
      request.end()
    },
    // The types of ws are behind: they do not have closeTimeout yet.
  } as object)
  return overWebSocket(socket as unknown as WebSocketLike, endpoint, listener)
}

interface HttpRequest {
  on(event: 'socket', listener: (socket: Socket) => void): unknown
  end(): void
}

/** RFC 6066, 3: the name of a server is no IP address. */
function nodeOptions(tls: TlsOptions | undefined, host: string): object {
  return { ...(isIP(host) === 0 && { servername: host }), ...tls }
}
