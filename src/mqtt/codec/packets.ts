/** The level that CONNECT names (3.1.2.2): 4 is MQTT 3.1.1. */
export type ProtocolVersion = 4 | 5

/** At most once, at least once. QoS 2 is neither sent nor asked for. */
export type Qos = 0 | 1

/** MQTT 5, 2.2.2.2: what may go with a packet; which of them with which packet is in `properties.ts`. */
export interface Properties {
  readonly payloadFormatIndicator?: boolean | undefined
  /** In seconds. */
  readonly messageExpiryInterval?: number | undefined
  readonly contentType?: string | undefined
  /** What its publisher wrote: a server may pass on one that is no topic to publish to. */
  readonly responseTopic?: string | undefined
  readonly correlationData?: Uint8Array | undefined
  /** Several come with a message that several subscriptions match. */
  readonly subscriptionIdentifier?: number | readonly number[] | undefined
  /** In seconds. */
  readonly sessionExpiryInterval?: number | undefined
  readonly assignedClientIdentifier?: string | undefined
  /** In seconds. */
  readonly serverKeepAlive?: number | undefined
  readonly authenticationMethod?: string | undefined
  readonly authenticationData?: Uint8Array | undefined
  readonly requestProblemInformation?: boolean | undefined
  /** In seconds. */
  readonly willDelayInterval?: number | undefined
  readonly requestResponseInformation?: boolean | undefined
  readonly responseInformation?: string | undefined
  readonly serverReference?: string | undefined
  readonly reasonString?: string | undefined
  readonly receiveMaximum?: number | undefined
  readonly topicAliasMaximum?: number | undefined
  readonly topicAlias?: number | undefined
  readonly maximumQoS?: Qos | undefined
  readonly retainAvailable?: boolean | undefined
  /** A name may come several times. What was received has no prototype, so any name is safe to look up. */
  readonly userProperties?: UserProperties | undefined
  /** In bytes. */
  readonly maximumPacketSize?: number | undefined
  readonly wildcardSubscriptionAvailable?: boolean | undefined
  readonly subscriptionIdentifiersAvailable?: boolean | undefined
  readonly sharedSubscriptionAvailable?: boolean | undefined
}

export interface UserProperties {
  readonly [name: string]: string | readonly string[]
}

/** What the server publishes when the connection ends without a DISCONNECT (3.1.2.5). */
export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  /** MQTT 5 only; left out in 3.1.1. */
  readonly properties?: Properties | undefined
}

/** Always with Clean Start, in 3.1.1 Clean Session. */
export interface ConnectPacket {
  readonly clientId: string
  /** 0 to 65,535; 0 is none. */
  readonly keepAliveSeconds: number
  readonly username?: string | undefined
  /** In 3.1.1 only together with a username [MQTT-3.1.2-22]. */
  readonly password?: string | undefined
  readonly will?: Will | undefined
  /** MQTT 5 only; left out in 3.1.1. */
  readonly properties?: Properties | undefined
}

export interface Publish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  /** 1 to 65,535 at QoS 1; left out at QoS 0. */
  readonly packetId?: number | undefined
  /** MQTT 5 only; left out in 3.1.1. */
  readonly properties?: Properties | undefined
}

export interface Subscription {
  readonly topic: string
  readonly qos: Qos
  /**
   * MQTT 5 only (3.8.3.1): retained messages are sent always (0), when the subscription is new (1), never (2).
   * @default 0
   */
  readonly retainHandling?: 0 | 1 | 2 | undefined
}

/**
 * What a server may send. `properties` is an empty object where there are none, as always in 3.1.1. A reason code may be
 * one that the standard does not have for its packet: Mosquitto 2.0 sends PUBACK with 0x95.
 */
export type Received =
  | ReceivedConnack
  | ReceivedPublish
  | { readonly type: 'puback'; readonly packetId: number; readonly reasonCode: number; readonly properties: Properties }
  | ReceivedSuback
  | { readonly type: 'pingresp' }
  | { readonly type: 'disconnect'; readonly reasonCode: number; readonly properties: Properties }

export interface ReceivedConnack {
  readonly type: 'connack'
  /** Never with Clean Start: a server that says so has been refused. */
  readonly sessionPresent: boolean
  /** The code of MQTT 5 (3.2.2.2), or 1 to 5 from a server that speaks 3.1.1 (its 3.2.2.3), whatever was asked for. */
  readonly reasonCode: number
  readonly properties: Properties
}

export interface ReceivedPublish {
  readonly type: 'publish'
  readonly topic: string
  /** May be a view into the chunk that it came in, and then keeps all of that in memory. */
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  /** Undefined at QoS 0. */
  readonly packetId: number | undefined
  readonly properties: Properties
}

export interface ReceivedSuback {
  readonly type: 'suback' | 'unsuback'
  readonly packetId: number
  /** One for each topic asked for, in that order; none in the UNSUBACK of 3.1.1. */
  readonly reasonCodes: readonly number[]
  readonly properties: Properties
}
