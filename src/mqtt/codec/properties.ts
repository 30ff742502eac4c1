import type { Properties } from './packets.ts'

/** Where a property may stand, as bits: with what this client sends, and with what a server sends it. */
export const IN_CONNECT = 1
export const IN_WILL = 2
export const IN_PUBLISH = 4
export const IN_CONNACK = 8
export const IN_RECEIVED_PUBLISH = 16
/** PUBACK, SUBACK and UNSUBACK. */
export const IN_ACKNOWLEDGEMENT = 32
export const IN_RECEIVED_DISCONNECT = 64

const IN_MESSAGE = IN_WILL | IN_PUBLISH | IN_RECEIVED_PUBLISH
const IN_ANY = IN_CONNECT | IN_MESSAGE | IN_CONNACK | IN_ACKNOWLEDGEMENT | IN_RECEIVED_DISCONNECT

/** 1.5: how a value is written. A 'flag' is one byte, 0 or 1, as is the 'qos' of Maximum QoS. */
export type PropertyType = 'flag' | 'qos' | 'uint16' | 'uint32' | 'variable' | 'string' | 'binary' | 'pairs'

export interface Property {
  readonly id: number
  readonly name: keyof Properties
  readonly type: PropertyType
  /** Where it may stand: the bits above. */
  readonly places: number
  /** The smallest number that it may have. */
  readonly minimum: 0 | 1
  /** May it stand there more than once? */
  readonly mayRepeat: boolean
  /** A bit of its own, for noting which have been seen. */
  readonly bit: number
}

type Row = readonly [
  id: number,
  name: keyof Properties,
  type: PropertyType,
  places: number,
  rules?: { readonly minimum?: 1; readonly mayRepeat?: true },
]

/**
 * Table 2-4, as far as a client needs it. This one asks for no enhanced authentication (4.12) and takes no topic alias, so
 * it sends none of the properties for those; a server that sends them is refused by `read-properties.ts`.
 */
const ROWS: readonly Row[] = [
  [0x01, 'payloadFormatIndicator', 'flag', IN_MESSAGE],
  [0x02, 'messageExpiryInterval', 'uint32', IN_MESSAGE],
  [0x03, 'contentType', 'string', IN_MESSAGE],
  [0x08, 'responseTopic', 'string', IN_MESSAGE],
  [0x09, 'correlationData', 'binary', IN_MESSAGE],
  // Only a server sends it with a message [MQTT-3.3.4-6].
  [0x0b, 'subscriptionIdentifier', 'variable', IN_RECEIVED_PUBLISH, { minimum: 1, mayRepeat: true }],
  // Of DISCONNECT only the client's may have it [MQTT-3.14.2-2].
  [0x11, 'sessionExpiryInterval', 'uint32', IN_CONNECT | IN_CONNACK],
  [0x12, 'assignedClientIdentifier', 'string', IN_CONNACK],
  [0x13, 'serverKeepAlive', 'uint16', IN_CONNACK],
  [0x15, 'authenticationMethod', 'string', IN_CONNACK],
  [0x16, 'authenticationData', 'binary', IN_CONNACK],
  [0x17, 'requestProblemInformation', 'flag', IN_CONNECT],
  [0x18, 'willDelayInterval', 'uint32', IN_WILL],
  [0x19, 'requestResponseInformation', 'flag', IN_CONNECT],
  [0x1a, 'responseInformation', 'string', IN_CONNACK],
  [0x1c, 'serverReference', 'string', IN_CONNACK | IN_RECEIVED_DISCONNECT],
  [0x1f, 'reasonString', 'string', IN_CONNACK | IN_ACKNOWLEDGEMENT | IN_RECEIVED_DISCONNECT],
  [0x21, 'receiveMaximum', 'uint16', IN_CONNECT | IN_CONNACK, { minimum: 1 }],
  [0x22, 'topicAliasMaximum', 'uint16', IN_CONNACK],
  [0x23, 'topicAlias', 'uint16', IN_RECEIVED_PUBLISH],
  [0x24, 'maximumQoS', 'qos', IN_CONNACK],
  [0x25, 'retainAvailable', 'flag', IN_CONNACK],
  [0x26, 'userProperties', 'pairs', IN_ANY, { mayRepeat: true }],
  [0x27, 'maximumPacketSize', 'uint32', IN_CONNECT | IN_CONNACK, { minimum: 1 }],
  [0x28, 'wildcardSubscriptionAvailable', 'flag', IN_CONNACK],
  [0x29, 'subscriptionIdentifiersAvailable', 'flag', IN_CONNACK],
  [0x2a, 'sharedSubscriptionAvailable', 'flag', IN_CONNACK],
]

/** By identifier. */
export const PROPERTIES: readonly (Property | undefined)[] = byId()

export const PROPERTY_NAMED: ReadonlyMap<string, Property> = new Map(
  PROPERTIES.filter((property) => property !== undefined).map((property) => [property.name, property]),
)

function byId(): (Property | undefined)[] {
  const found: (Property | undefined)[] = new Array(0x2b).fill(undefined)
  for (const [index, [id, name, type, places, rules]] of ROWS.entries()) {
    const { minimum = 0, mayRepeat = false } = rules ?? {}
    found[id] = { id, name, type, places, minimum, mayRepeat, bit: 1 << index }
  }
  return found
}
