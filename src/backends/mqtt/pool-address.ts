import { addressOf, type BrokerAddress, type BrokerPlace } from '../../mqtt/address.ts'
import { newClientId } from '../../mqtt/client-id.ts'

/** Where at which broker a pool is, and how to get in. */
export interface MqttPlace extends BrokerPlace {
  readonly topic: string
  /** For messages, and the topic on which an owner says that it is online. */
  readonly name?: string | undefined
}

/** Where a pool is, taken apart. */
export interface PoolAddress extends BrokerAddress {
  /** Broker and topic, for people. */
  readonly place: string
  readonly topic: string
  /** Of all connections of one store or editor, but for an owner's first where none was asked for. */
  readonly clientId: string
}

/**
 * Takes apart where a pool is; the client id is a new one where none was asked for.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION where the url or the password without a user name cannot be used
 */
export function poolAddressOf({ topic, name, ...broker }: MqttPlace): PoolAddress {
  const address = addressOf(broker)
  const place = `${address.storeName} ${topic}`
  const storeName = name === undefined ? place : `'${name}' (${place})`
  return { ...address, topic, place, storeName, clientId: address.givenClientId ?? newClientId() }
}
