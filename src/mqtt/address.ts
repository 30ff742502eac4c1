import { optionError } from '../runtime/errors.ts'
import { newClientId } from './client-id.ts'
import type { ConnectionSettings, ConnectionTls } from './connection.ts'
import { parseEndpoint } from './endpoint.ts'

/** Where at which broker a pool is, and how to get in. */
export interface MqttPlace {
  /** mqtt:, mqtts:, ws: or wss:; a user name and password in it count where the options have none. */
  readonly url: string
  readonly topic: string
  /** For messages. */
  readonly name?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** For mqtts: and wss: only. */
  readonly tls?: ConnectionTls | undefined
  readonly protocolVersion: 'auto' | 4 | 5
}

/** Where a pool is, and how to get there. */
export interface Target extends Omit<ConnectionSettings, 'protocolVersion' | 'will'> {
  /** Broker and topic, for people. */
  readonly place: string
  /** Name and place, for messages. */
  readonly store: string
  readonly topic: string
  readonly protocolVersion: 'auto' | 4 | 5
}

/**
 * Takes apart where a pool is; the client id is a new one.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION where the url or the password without a user name cannot be used
 */
export function targetOf({ url, topic, name, tls, protocolVersion, ...login }: MqttPlace): Target {
  const endpoint = parseEndpoint(url)
  const { username = endpoint.username, password = endpoint.password } = login
  if (password !== undefined && username === undefined) {
    // [MQTT-3.1.2-22] of MQTT 3.1.1.
    throw optionError('password', 'MQTT has no password without a user name; set the option username too')
  }
  const place = `${endpoint.text} ${topic}`
  const store = name === undefined ? place : `'${name}' (${place})`
  return { endpoint, topic, place, store, username, password, tls, protocolVersion, clientId: newClientId() }
}
