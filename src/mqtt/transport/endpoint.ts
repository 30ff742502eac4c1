import { optionError } from '../../runtime/errors.ts'
import { isNode } from '../../runtime/is-node.ts'

/** The schemes that are understood, with the ports that they stand for. */
const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const

/** A broker's url, taken apart. */
export interface Endpoint {
  readonly protocol: keyof typeof DEFAULT_PORTS
  /** Name or IP address; an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  /** Path and query, for ws: and wss: only. */
  readonly path: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** The url for people: without credentials, and without the query, where some services want a token. */
  readonly text: string
}

/**
 * Takes a broker's url apart.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION; its text does not repeat the url, which may hold a password
 */
export function parseEndpoint(url: string): Endpoint {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const protocol = parsed?.protocol.slice(0, -1)
  if (parsed === undefined || !isKnown(protocol) || parsed.hostname === '') {
    throw optionError('url', 'it must be like mqtt://host:1883, with mqtt:, mqtts:, ws: or wss:')
  }
  if (!isWebSocket({ protocol }) && isBrowser()) {
    throw optionError('url', `a browser cannot open ${protocol}: connections; use the broker's ws: or wss: listener`)
  }
  const port = Number(parsed.port) || DEFAULT_PORTS[protocol]
  const path = parsed.pathname === '' ? '/' : parsed.pathname
  return {
    protocol,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: path + parsed.search,
    username: decoded(parsed.username),
    password: decoded(parsed.password),
    text: `${protocol}://${parsed.hostname}:${port}${path === '/' ? '' : path}`,
  }
}

/** Does TLS lie under it? */
export function isSecure({ protocol }: Endpoint): boolean {
  return protocol === 'mqtts' || protocol === 'wss'
}

/** Does a WebSocket lie under it? */
export function isWebSocket({ protocol }: Pick<Endpoint, 'protocol'>): boolean {
  return protocol === 'ws' || protocol === 'wss'
}

/** Is this a browser, which has no connections but WebSockets? */
export function isBrowser(): boolean {
  return !isNode()
}

function isKnown(protocol: string | undefined): protocol is Endpoint['protocol'] {
  return protocol !== undefined && Object.hasOwn(DEFAULT_PORTS, protocol)
}

function decoded(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part)
  } catch (cause) {
    throw optionError('url', 'write a % in user name or password as %25', cause)
  }
}
