import { optionError } from '../runtime/errors.ts'
import type { ProtocolVersion } from './codec/packets.ts'
import type { ConnectionSettings } from './connection.ts'
import { parseEndpoint } from './transport/endpoint.ts'
import type { TlsOptions } from './transport/transport.ts'

/** Where a broker is, and how to get in. */
export interface BrokerPlace {
  /** mqtt:, mqtts:, ws: or wss:; a user name and password in it count where the options have none. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** For mqtts: and wss: only. */
  readonly tls?: TlsOptions | undefined
  readonly protocolVersion: 'auto' | ProtocolVersion
}

/** Where a broker is, taken apart. */
export interface BrokerAddress extends Omit<ConnectionSettings, 'protocolVersion' | 'clientId' | 'will'> {
  /** What a connection is for, in messages: the name and place of a store, or the broker alone. */
  readonly storeName: string
  readonly protocolVersion: 'auto' | ProtocolVersion
}

/**
 * Takes apart where a broker is.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION where the url or the password without a user name cannot be used
 */
export function addressOf({ url, tls, protocolVersion, ...login }: BrokerPlace): BrokerAddress {
  const endpoint = parseEndpoint(url)
  const { username = endpoint.username, password = endpoint.password } = login
  if (password !== undefined && username === undefined) {
    // [MQTT-3.1.2-22] of MQTT 3.1.1.
    throw optionError('password', 'MQTT has no password without a user name; set the option username too')
  }
  return { endpoint, storeName: endpoint.text, username, password, tls, protocolVersion }
}
