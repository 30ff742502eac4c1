import type { EventEmitter } from 'node:events'
import type { AedesOptions, AuthenticateError, Client } from 'aedes'
import { sameSecret } from '../node/same-secret.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import type { AccessList } from './access-list.ts'
import { limitAwaySessions, type SessionKeeper } from './away-sessions.ts'
import { type ClientEvent, ClientEvents, socketOf } from './client-events.ts'
import { Connections } from './connections.ts'
import { DurableAedes } from './durable-aedes.ts'
import { type BrokerLimits, DEFAULT_LIMITS, LOGIN_MS } from './limits.ts'
import { type Listener, type ListenerRules, listenTcp, listenWebSocket } from './listener.ts'
import { limitPackets } from './packet-sizes.ts'
import { RetainedLog } from './retained-log.ts'
import { limitSessions, type SessionStore } from './session-queues.ts'
import { SlowClients } from './slow-clients.ts'
import { refusalOfPage, webPageRules } from './web-page-check.ts'

export interface BrokerOptions extends Partial<BrokerLimits> {
  /** The directory of the retained messages; made if missing. Only one broker at a time may use it. */
  directory: string
  /** The address to listen on. @default '127.0.0.1', which other machines cannot reach */
  host?: string
  /** For MQTT over TCP; 0 is any free port. @default 1883, the registered one */
  port?: number
  /** For MQTT over WebSocket; 0 is any free port. @default 9001, as in Mosquitto's manual: none is registered */
  webSocketPort?: number
  /** Take any free port when one is taken, instead of failing. @default false */
  portFallback?: boolean
  /** With `password`: the credentials of all clients. @default any client may connect */
  username?: string
  password?: string
  /** Decides who may connect, instead of `username` and `password`; `gone` is aborted when the connection has ended. */
  mayConnect?: (username: string | undefined, password: Uint8Array | undefined, gone: AbortSignal) => Promise<boolean>
  /** What each user may read and write; it needs a login. @default everything */
  access?: AccessList
  /** Certificate and key (PEM), for mqtts: and wss: at both ports. */
  tls?: { cert: string; key: string }
  /** Origins of web pages that may connect, beside those of this machine and of the host that the broker is called by. */
  allowOrigins?: readonly string[]
  /** Names by which WebSocket clients may call the broker, beside addresses, localhost and `host`. */
  allowHosts?: readonly string[]
  /** Called when a client connects, disconnects, or is refused. */
  onClient?: (event: ClientEvent) => void
  /** Called with a sentence about a damaged file, a full disk and the like. @default `process.emitWarning` */
  onWarning?: (text: string) => void
}

export interface Broker {
  /** The URL for programs: `mqtt://127.0.0.1:1883`. */
  readonly url: string
  /** The URL for browsers: `ws://127.0.0.1:9001`. */
  readonly webSocketUrl: string
  /** How many retained messages the broker found at the start. */
  readonly restored: number
  /** The copy of a damaged file that the broker found at the start. */
  readonly damaged: string | undefined
  /** Disconnects all clients; resolves when all messages are on disk and the directory is released. */
  close(): Promise<void>
}

/**
 * Starts an MQTT 3.1.1 broker in this process, over TCP and WebSocket, whose retained messages survive `kill -9`.
 *
 * It acknowledges and delivers a retained message (QoS 1 and 2) only when the message is on disk. Sessions, queues and
 * messages that are not retained are in memory only.
 *
 * @throws PersistError `ERR_PERSIST_FAILED` (directory in use or not writable, port taken, no certificate),
 * `ERR_PERSIST_OPTION`
 * @example
 * const broker = await startBroker({ directory: './data', portFallback: true })
 * const pt = await openStore({ url: broker.url, name: 'garage' })
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { directory, host = '127.0.0.1', port = 1883, webSocketPort = 9001, portFallback = false } = options
  const warn = options.onWarning ?? ((text: string) => process.emitWarning(text, 'PersistWarning'))
  const mayConnect = loginCheck(options)
  const { access } = options
  if (access !== undefined && mayConnect === undefined)
    throw new PersistError('ERR_PERSIST_OPTION', 'An access list needs a login: without one, anybody may be any user.')
  const pages = webPageRules(options.allowOrigins ?? [], [...(options.allowHosts ?? []), host])
  const log = await RetainedLog.open(directory, warn)
  const limits = { ...DEFAULT_LIMITS, ...givenLimits(options) }
  const slow = new SlowClients(limits.maxQueueBytes)
  const connections = new Connections(limits.maxConnections, () =>
    warn(`There are ${limits.maxConnections} connections, and no more can be: the oldest without a login go first.`),
  )
  const users = new WeakMap<Client, string>()
  const may = (what: 'mayRead' | 'mayWrite' | 'maySubscribe', client: Client, topic: string) =>
    access === undefined || access[what](users.get(client) ?? '', topic)
  const aedesOptions: AedesOptions = {
    connectTimeout: LOGIN_MS,
    preConnect: (client, packet, done) => {
      events.arrived(client, packet)
      done(null, true)
    },
    authenticate: authentication(mayConnect, {
      accepted: (client, username) => {
        connections.loggedIn(socketOf(client))
        users.set(client, username)
      },
      refused: (client) => events.refused(client),
    }),
    authorizeSubscribe: (client, subscription, done) =>
      // Without a subscription, the code 0x80 in SUBACK (MQTT 3.1.1, 3.9.3).
      done(null, may('maySubscribe', client, subscription.topic) ? subscription : null),
    authorizeForward: (client, packet) => {
      if (!may('mayRead', client, packet.topic)) return null
      // What is retained is sent as its subscriber takes it.
      return packet.retain || slow.hasRoom(client, packet.payload.length) ? packet : null
    },
  }
  const mayWrite = (client: Client, topic: string) => {
    const isAllowed = may('mayWrite', client, topic)
    if (!isAllowed) events.denied(client, topic)
    return isAllowed
  }
  const aedes = new DurableAedes(log, slow, aedesOptions, mayWrite)
  const emitter: EventEmitter = aedes
  emitter.on('error', (error) => warn(`The broker had an error: ${reasonOf(error)}`))
  const events = new ClientEvents(emitter, options.onClient ?? (() => {}))
  const { handle } = aedes
  aedes.handle = (stream, request) => {
    limitPackets(stream, limits.maxPacketBytes)
    if (request !== undefined) connections.limitEarly(request.socket)
    const client = events.came(handle(stream, request))
    slow.add(client)
    return client
  }
  const listeners: Listener[] = []
  const close = async () => {
    const stopped = listeners.map((listener) => listener.stop())
    await new Promise<void>((resolve) => aedes.close(resolve))
    for (const listener of listeners) listener.disconnect()
    await Promise.all(stopped)
    // After the clients: their wills may be retained messages, too.
    await log.close()
  }
  try {
    await aedes.listen()
    const { persistence } = aedes as unknown as { persistence: SessionStore & SessionKeeper }
    limitSessions(persistence, limits.maxQueueBytes)
    limitAwaySessions(emitter, persistence, limits.maxConnections)
    const restored = await aedes.restore()
    const { tls } = options
    const rules: ListenerRules = {
      onSocket: (socket) => connections.add(socket),
      // Several packets may come as one message.
      maxMessageBytes: 2 * limits.maxPacketBytes,
      refusalOf: (request) => {
        const refusal = refusalOfPage(request.headers, pages)
        if (refusal !== undefined) events.stranger(request.socket, refusal)
        return refusal
      },
    }
    const tcp = await listenTcp(aedes, { host, port, portFallback, tls }, rules)
    listeners.push(tcp)
    const webSocket = await listenWebSocket(aedes, { host, port: webSocketPort, portFallback, tls }, rules)
    listeners.push(webSocket)
    let closed: Promise<void> | undefined
    return {
      url: `${tls ? 'mqtts' : 'mqtt'}://${reachable(host)}:${tcp.port}`,
      webSocketUrl: `${tls ? 'wss' : 'ws'}://${reachable(host)}:${webSocket.port}`,
      restored,
      damaged: log.damaged,
      close: () => {
        closed ??= close()
        return closed
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A host that programs on this machine can connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

type LoginCheck = NonNullable<BrokerOptions['mayConnect']>

/** Undefined: any client may connect. */
function loginCheck({ username, password, mayConnect }: BrokerOptions): LoginCheck | undefined {
  if (mayConnect !== undefined) return mayConnect
  if (username === undefined && password === undefined) return undefined
  if (username === undefined || password === undefined) {
    throw new PersistError('ERR_PERSIST_OPTION', 'startBroker needs username and password, or neither of them.')
  }
  return async (givenName, givenPassword) => {
    // Both are compared always, so that the time taken does not show which one is wrong.
    const nameIsRight = sameSecret(givenName ?? '', username)
    const passwordIsRight = sameSecret(givenPassword ?? '', password)
    return nameIsRight && passwordIsRight
  }
}

function authentication(
  mayConnect: LoginCheck | undefined,
  tell: { accepted(client: Client, username: string): void; refused(client: Client): void },
): NonNullable<AedesOptions['authenticate']> {
  return (client, name, password, done) => {
    const answered = (isRight: boolean) => {
      if (isRight) {
        tell.accepted(client, name ?? '')
        return done(null, true)
      }
      tell.refused(client)
      // Return code 4, "bad user name or password" (MQTT 3.1.1, 3.2.2.3).
      const refusal: AuthenticateError = Object.assign(new Error('Bad user name or password'), { returnCode: 4 })
      done(refusal, false)
    }
    if (mayConnect === undefined) return answered(true)
    const gone = new AbortController()
    client.conn.once('close', () => gone.abort())
    mayConnect(name, password, gone.signal).then(answered, () => answered(false))
  }
}

/** @throws {PersistError} ERR_PERSIST_OPTION: a limit is no number above 0 */
function givenLimits(options: BrokerOptions): Partial<BrokerLimits> {
  const given = Object.keys(DEFAULT_LIMITS).flatMap((name) => {
    const value = options[name as keyof BrokerLimits]
    if (value === undefined) return []
    if (Number.isInteger(value) && value > 0) return [[name, value]]
    throw new PersistError('ERR_PERSIST_OPTION', `${name} is ${value}; it must be a whole number above 0.`)
  })
  return Object.fromEntries(given)
}
