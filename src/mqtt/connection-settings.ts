import type { ProtocolVersion, Will } from './codec/packets.ts'
import type { Endpoint } from './transport/endpoint.ts'
import type { TlsOptions } from './transport/transport.ts'

/** How to make one connection. */
export interface ConnectionSettings {
  readonly endpoint: Endpoint
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: TlsOptions | undefined
  readonly protocolVersion: ProtocolVersion
  readonly clientId: string
  /** What the broker publishes when this connection ends without a DISCONNECT. */
  readonly will?: Will | undefined
  /** Many messages are to come: the broker may send as many at once as it can. */
  readonly isForMany?: boolean
  /** Whether a broker that keeps back packets is woken; not where somebody measures it. @default true */
  readonly wakesBroker?: boolean
}
