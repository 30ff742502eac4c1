import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { codeOf, PersistError, reasonOf } from '../runtime/errors.ts'

/** One server and its connections. */
export interface Listener {
  port: number
  /** Accepts no more connections; resolves when the last one has ended. */
  stop(): Promise<void>
  /** Closes all open connections, also those without an MQTT session. */
  disconnect(): void
}

/** What a listener lets in. @default everything */
export interface ListenerRules {
  /** Why a request for a WebSocket is refused. */
  refusalOf?: (request: IncomingMessage) => string | undefined
  /** The longest message over WebSocket, in bytes. */
  maxMessageBytes?: number
  /** Called with each new connection. */
  onSocket?: (socket: Socket) => void
}

export interface ListenerPlace {
  host: string
  port: number
  /** Take any free port where this one is taken. */
  portFallback: boolean
  /** Certificate and key (PEM), for TLS. */
  tls?: { cert: string; key: string } | undefined
}

/** MQTT over TCP. */
export async function listenTcp(broker: Aedes, place: ListenerPlace, rules: ListenerRules = {}): Promise<Listener> {
  // Without TCP_NODELAY two small packets in a row cost 40 ms: the second waits for a delayed acknowledgement.
  const connected = (socket: Socket) => void broker.handle(socket)
  const { tls } = place
  return listen(
    tls
      ? secured(() => createTlsServer({ noDelay: true, ...tls }, connected))
      : createServer({ noDelay: true }, connected),
    place,
    rules,
  )
}

/** MQTT over WebSocket, for browsers. */
export async function listenWebSocket(
  broker: Aedes,
  place: ListenerPlace,
  rules: ListenerRules = {},
): Promise<Listener> {
  const { tls } = place
  const { refusalOf = () => undefined, maxMessageBytes } = rules
  const answer: RequestListener = (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain' }).end('This is an MQTT broker, over WebSocket.\n')
  }
  const server = tls
    ? secured(() => createHttpsServer({ noDelay: true, ...tls }, answer))
    : createHttpServer({ noDelay: true }, answer)
  const sockets = new WebSocketServer({
    server,
    // [MQTT-6.0.0-3], [MQTT-6.0.0-4]: the client must offer the subprotocol "mqtt". 'mqttv3.1' is its older name.
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
    verifyClient: ({ req }, answered) => {
      const refusal = refusalOf(req)
      // As text: what the client has sent may stand in it.
      if (refusal === undefined) answered(true)
      else answered(false, 403, `Refused: ${refusal}\n`, { 'content-type': 'text/plain' })
    },
    ...(maxMessageBytes !== undefined && { maxPayload: maxMessageBytes }),
  })
  // Errors of the HTTP server are emitted here, too; bind() handles them.
  sockets.on('error', () => {})
  sockets.on('connection', (socket, request) => void broker.handle(createWebSocketStream(socket), request))
  return listen(server, place, rules)
}

/** Makes a TLS server, which throws where certificate or key are wrong. */
function secured<T extends Server>(make: () => T): T {
  try {
    // A client that speaks no TLS, or rejects the certificate, has closed its connection already.
    return make().on('tlsClientError', () => {})
  } catch (error) {
    throw noTls(error)
  }
}

function noTls(cause: unknown): PersistError {
  const text = `The broker cannot speak TLS: ${reasonOf(cause)}. Certificate and key must be PEM, and belong together.`
  return new PersistError('ERR_PERSIST_FAILED', text, { cause })
}

async function listen(server: Server, place: ListenerPlace, { onSocket }: ListenerRules): Promise<Listener> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    onSocket?.(socket)
  })
  await bind(server, place.host, place.port).catch((error: unknown) => {
    if (place.portFallback && isTaken(error)) return bind(server, place.host, 0)
    throw error
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
    disconnect: () => {
      for (const socket of open) socket.destroy()
    },
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => {
      const hint = isTaken(cause) ? 'Another program listens there: stop it, or choose another port.' : ''
      const text = `The broker cannot listen on ${host}:${port}: ${reasonOf(cause)}. ${hint}`
      reject(new PersistError('ERR_PERSIST_FAILED', text.trimEnd(), { store: `${host}:${port}`, cause }))
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof PersistError ? error.cause : error
  return codeOf(cause) === 'EADDRINUSE'
}
