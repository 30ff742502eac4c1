import { PersistError, type PersistErrorCode, reasonOf } from '../../errors.ts'
import type { MqttEndpoint } from './endpoint.ts'

/** A broker's refusal that is known by its code only. */
export class ConnectionFailure extends Error {
  readonly code: number

  constructor(code: number, packet: string) {
    super(`the broker sent ${packet} with code 0x${code.toString(16).padStart(2, '0')}`)
    this.code = code
  }
}

type Explanation = readonly [code: PersistErrorCode, what: string]

const DENIED: Explanation = ['ERR_PERSIST_DENIED', 'user name or password are wrong, or this user may not connect']
const UNTRUSTED: Explanation = [
  'ERR_PERSIST_CONNECT',
  'its certificate is not trusted: pass the authority that signed it as tls.ca (a PEM text), or have it renewed',
]
const NO_MQTT: Explanation = [
  'ERR_PERSIST_CONNECT',
  'what listens there is no MQTT broker, or wants TLS: check the port, or use mqtts:',
]
const NO_WEBSOCKET: Explanation = [
  'ERR_PERSIST_CONNECT',
  'what listens there offers no MQTT over WebSocket: check port and path of the url',
]
const NO_TLS: Explanation = [
  'ERR_PERSIST_CONNECT',
  'what listens there does not speak TLS (or not our kind of it): check the port, or use mqtt: or ws:',
]
const BROKEN_HANDSHAKE: Explanation = [
  'ERR_PERSIST_CONNECT',
  'it broke off the TLS handshake: does it speak TLS at that port, or want a client certificate (tls.cert and tls.key)?',
]

/** What CONNACK says: 1 to 5 in MQTT 3.1.1 (3.2.2.3), from 0x80 on in MQTT 5 (3.2.2.2). */
const CONNACK: { readonly [code: number]: Explanation } = {
  1: ['ERR_PERSIST_CONNECT', 'it does not speak this version of MQTT: set protocolVersion'],
  2: ['ERR_PERSIST_DENIED', 'it does not like the client id'],
  3: ['ERR_PERSIST_CONNECT', 'it is not available now'],
  4: DENIED,
  5: DENIED,
  132: ['ERR_PERSIST_CONNECT', 'it does not speak this version of MQTT: set protocolVersion'],
  133: ['ERR_PERSIST_DENIED', 'it does not like the client id'],
  134: DENIED,
  135: DENIED,
  136: ['ERR_PERSIST_CONNECT', 'it is not available now'],
  137: ['ERR_PERSIST_CONNECT', 'it is busy now'],
  138: ['ERR_PERSIST_DENIED', 'this client is banned'],
  140: ['ERR_PERSIST_DENIED', 'it wants another way to log in'],
}

/** What the operating system and TLS say, by their codes. */
const SYSTEM: { readonly [code: string]: Explanation } = {
  ENOTFOUND: ['ERR_PERSIST_CONNECT', 'there is no host of that name: check the url'],
  EAI_AGAIN: ['ERR_PERSIST_CONNECT', 'its name cannot be looked up now: is there a network?'],
  ECONNREFUSED: ['ERR_PERSIST_CONNECT', 'nothing listens there: is the broker running, is the port right?'],
  EHOSTUNREACH: ['ERR_PERSIST_CONNECT', 'there is no way to that host: is there a network?'],
  ENETUNREACH: ['ERR_PERSIST_CONNECT', 'there is no way to that host: is there a network?'],
  ETIMEDOUT: ['ERR_PERSIST_CONNECT', 'the host does not answer'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: ['ERR_PERSIST_CONNECT', 'its certificate has expired: have it renewed'],
  CERT_NOT_YET_VALID: ['ERR_PERSIST_CONNECT', 'its certificate is not valid yet: is the clock of this machine right?'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'ERR_PERSIST_CONNECT',
    'its certificate is for another host name: use that name in the url, or pass it as tls.servername',
  ],
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
}

const CLIENT_CERTIFICATE: Explanation = [
  'ERR_PERSIST_DENIED',
  'it wants a client certificate, or does not trust this one: pass tls.cert and tls.key (PEM texts)',
]

/** How far it came: `isSecure` where the TLS handshake is known to be over. */
interface Course {
  readonly limitMs: number
  readonly isSecure: boolean
}

/** Why a connection could not be opened; `failure` is undefined where it was closed without a word. */
export function connectError(endpoint: MqttEndpoint, failure: unknown, { limitMs, isSecure }: Course): PersistError {
  const place = endpoint.shown
  if (failure instanceof Error && failure.message === 'connack timeout') {
    // MQTT.js gives its own timeout no code.
    return new PersistError(
      'ERR_PERSIST_TIMEOUT',
      `No answer from ${place} within ${Math.round(limitMs)} ms (no CONNACK): is a broker behind that port?`,
      { cause: failure },
    )
  }
  const [code, what] = explain(failure, endpoint, isSecure)
  return new PersistError(code, `No connection to ${place}: ${what.endsWith('?') ? what : `${what}.`}`, {
    cause: failure,
    received: codeOf(failure),
  })
}

/** Why a connection has ended. */
export function lostError(endpoint: MqttEndpoint, cause: unknown): PersistError {
  const what = cause === undefined ? 'it was closed' : reasonOf(cause)
  return new PersistError('ERR_PERSIST_CONNECT', `The connection to ${endpoint.shown} is gone: ${what}.`, {
    ...(cause === undefined ? {} : { cause, received: codeOf(cause) }),
  })
}

/** May the broker have refused just the protocol version? Old ones answer MQTT 5 in their own way, or close. */
export function mayBeProtocol(error: PersistError): boolean {
  const { cause, received } = error
  if (error.code === 'ERR_PERSIST_TIMEOUT') return false
  return (
    cause === undefined ||
    received === 'ECONNRESET' ||
    received === 1 ||
    received === 0x84 ||
    received === 0x80 ||
    received === 0x81 ||
    received === 0x82
  )
}

/** What `tls` has is not usable. */
export function tlsOptionError({ shown }: MqttEndpoint, cause: unknown): PersistError {
  const text = `Option tls: ca, cert and key must be PEM texts that fit together (${shown}): ${reasonOf(cause)}.`
  return new PersistError('ERR_PERSIST_OPTION', text, { cause, received: 'tls' })
}

/**
 * Has the broker sent what MQTT.js cannot read? Such errors have no code.
 *
 * One is known: mqtt-packet refuses a PUBACK with 0x95, Mosquitto's answer to what is over its message_size_limit.
 */
export function isUnreadable(cause: unknown): boolean {
  return cause instanceof Error && codeOf(cause) === undefined && cause.message !== 'Keepalive timeout'
}

function explain(failure: unknown, { protocol }: MqttEndpoint, isSecure: boolean): Explanation {
  const isWebSocket = protocol === 'ws' || protocol === 'wss'
  const code = codeOf(failure)
  const known = typeof code === 'number' ? CONNACK[code] : typeof code === 'string' ? SYSTEM[code] : undefined
  if (known !== undefined) return known
  if (typeof code === 'string') {
    // The broker's TLS alerts have codes like ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED.
    if (/ALERT.*(CERT|CA$|HANDSHAKE)/.test(code)) return CLIENT_CERTIFICATE
    if (code.startsWith('ERR_SSL')) return NO_TLS
    // Node's HTTP parser: the answer to the WebSocket's request is no HTTP.
    if (code.startsWith('HPE_')) return NO_WEBSOCKET
  }
  // TLS 1.3 asks for the client's certificate when the handshake is over for the client.
  if (isSecure && (code === 'ECONNRESET' || failure === undefined)) return CLIENT_CERTIFICATE
  if (code === 'ECONNRESET' && (protocol === 'mqtts' || protocol === 'wss')) return BROKEN_HANDSHAKE
  if (failure === undefined && isWebSocket) return NO_WEBSOCKET
  if (failure === undefined || code === 'ECONNRESET') {
    return ['ERR_PERSIST_CONNECT', 'it closed the connection at once: is it an MQTT broker, and does it want TLS?']
  }
  if (!isUnreadable(failure)) return ['ERR_PERSIST_CONNECT', reasonOf(failure)]
  const [kind, what] = isWebSocket ? NO_WEBSOCKET : NO_MQTT
  return [kind, `${what} (${reasonOf(failure)})`]
}

function codeOf(failure: unknown): unknown {
  return (failure as { code?: unknown } | undefined)?.code
}
