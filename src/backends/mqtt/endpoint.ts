import { PersistError } from '../../errors.ts'

/** Certificates as PEM texts. */
export interface MqttTls {
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  cert?: string | Uint8Array
  key?: string | Uint8Array
  servername?: string
  rejectUnauthorized?: boolean
}

/** Which broker, and as whom. */
export interface MqttEndpoint {
  readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly clientId: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: MqttTls | undefined
  /** The url without user name and password, for messages. */
  readonly shown: string
}

const PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }

/**
 * Reads the url of a broker; a user name and password in it count where none are given beside it.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION
 */
export function endpointOf(
  url: string,
  login: { username?: string | undefined; password?: string | undefined; tls?: MqttTls | undefined },
): MqttEndpoint {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const protocol = parsed?.protocol.slice(0, -1) ?? ''
  if (parsed === undefined || !isProtocol(protocol) || parsed.hostname === '') {
    throw new PersistError(
      'ERR_PERSIST_OPTION',
      `Option url: ${shownUrl(url)} is no mqtt:, mqtts:, ws: or wss: url of a broker.`,
    )
  }
  if ((protocol === 'mqtt' || protocol === 'mqtts') && globalThis.process?.versions?.node === undefined) {
    throw new PersistError(
      'ERR_PERSIST_OPTION',
      `Option url: a browser has no TCP, so it cannot use ${shownUrl(url)}; use the ws: or wss: url of the broker.`,
    )
  }
  const username = login.username ?? (decodeURIComponent(parsed.username) || undefined)
  const password = login.password ?? (decodeURIComponent(parsed.password) || undefined)
  if (password !== undefined && username === undefined) {
    // [MQTT-3.1.2-22] of 3.1.1: without a user name there must be no password.
    throw new PersistError('ERR_PERSIST_OPTION', 'Option password: a broker takes no password without a username.')
  }
  return {
    protocol,
    // An IPv6 address is in brackets in a url only.
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? PORTS[protocol] : Number(parsed.port),
    path: `${parsed.pathname || '/'}${parsed.search}`,
    clientId: clientId(),
    username,
    password,
    tls: login.tls,
    shown: shownUrl(url),
  }
}

/** A url without its user name and password, for messages and logs. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return 'the given text'
  const parsed = new URL(url)
  const port = parsed.port || PORTS[parsed.protocol.slice(0, -1) as keyof typeof PORTS]
  return `${parsed.protocol}//${parsed.hostname}${port === undefined ? '' : `:${port}`}${parsed.pathname === '/' ? '' : parsed.pathname}`
}

function isProtocol(name: string): name is keyof typeof PORTS {
  return Object.hasOwn(PORTS, name)
}

/** At most 23 characters, which every 3.1.1 broker must take [MQTT-3.1.3-5]. */
function clientId(): string {
  const digits = crypto.getRandomValues(new Uint8Array(4))
  return `persist-mqtt-${Array.from(digits, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
