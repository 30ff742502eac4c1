import { optionError } from '../runtime/errors.ts'
import type { ProtocolVersion } from './codec/packets.ts'
import type { ConnectionSettings } from './connection.ts'
import { type Endpoint, parseEndpoint } from './transport/endpoint.ts'
import type { TlsOptions } from './transport/transport.ts'

/** Where a broker is, and how to get in. */
export interface BrokerPlace {
  /**
   * mqtt:, mqtts:, ws: or wss:; a user name and password in it count where the options have none. Of several, the next
   * one is tried where one does not answer.
   */
  readonly url: string | readonly string[]
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** For mqtts: and wss: only. */
  readonly tls?: TlsOptions | undefined
  readonly protocolVersion: 'auto' | ProtocolVersion
  /** For each connection. @default a new one each time */
  readonly clientId?: string | undefined
}

/** One address of a broker, and who logs in there. */
export interface Server {
  readonly endpoint: Endpoint
  readonly username: string | undefined
  readonly password: string | undefined
}

/** Where a broker is, taken apart; `endpoint` and login are those of the first of its servers. */
export interface BrokerAddress extends Omit<ConnectionSettings, 'protocolVersion' | 'clientId' | 'will'> {
  /** What a connection is for, in messages: the name and place of a store, or the broker alone. */
  readonly storeName: string
  /** One at least, in the order in which they are tried. */
  readonly servers: readonly Server[]
  readonly protocolVersion: 'auto' | ProtocolVersion
  /** The client id that was asked for, if one was. */
  readonly givenClientId: string | undefined
}

/**
 * Takes apart where a broker is.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION where a url or the password without a user name cannot be used
 */
export function addressOf({ url, tls, protocolVersion, clientId, ...login }: BrokerPlace): BrokerAddress {
  const servers = [url].flat().map((one) => serverAt(one, login))
  const [first] = servers
  if (first === undefined) throw optionError('url', 'a list of urls must have one at least')
  const storeName = servers.map(({ endpoint }) => endpoint.text).join(', ')
  return { ...first, servers, storeName, tls, protocolVersion, givenClientId: clientId }
}

function serverAt(url: string, login: Pick<BrokerPlace, 'username' | 'password'>): Server {
  const endpoint = parseEndpoint(url)
  const { username = endpoint.username, password = endpoint.password } = login
  if (password !== undefined && username === undefined) {
    // [MQTT-3.1.2-22] of MQTT 3.1.1.
    throw optionError('password', 'MQTT has no password without a user name; set the option username too')
  }
  return { endpoint, username, password }
}
