import type { Properties, Qos } from './codec/packets.ts'

/** What a broker says about itself in CONNACK (MQTT 5, 3.2.2.3), or what holds where it says nothing. */
export interface ServerLimits {
  /** The largest packet that it takes, in bytes. */
  readonly maximumPacketSize: number
  /** How many of our messages at QoS 1 it takes before it has acknowledged one. */
  readonly receiveMaximum: number
  readonly maximumQoS: Qos
  readonly retainAvailable: boolean
  readonly wildcardSubscriptionAvailable: boolean
  /** The client id that it gave us in the place of ours. */
  readonly assignedClientIdentifier: string | undefined
}

/** What holds where nothing is said, as always in MQTT 3.1.1. */
export const UNTOLD: ServerLimits = limitsOf({})

export function limitsOf(connack: Properties): ServerLimits {
  return {
    maximumPacketSize: connack.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    receiveMaximum: connack.receiveMaximum ?? 65_535,
    maximumQoS: connack.maximumQoS ?? 1,
    retainAvailable: connack.retainAvailable ?? true,
    wildcardSubscriptionAvailable: connack.wildcardSubscriptionAvailable ?? true,
    assignedClientIdentifier: connack.assignedClientIdentifier,
  }
}
