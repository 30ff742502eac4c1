import { hex } from './codec/hex.ts'
import type { MalformedPacket } from './codec/malformed-packet.ts'
import type { Meaning } from './transport/transport.ts'

/** Reason codes from here on are failures (MQTT 5, 2.4), as is the 0x80 of a SUBACK in 3.1.1. */
export const FAILURE = 0x80

/** Why a connection was not made, or is over. */
export type ConnectionFailure =
  /** What the client was given cannot be used: a certificate that is none, for example; or what it needs cannot be loaded. */
  | { readonly kind: 'settings'; readonly error: unknown; readonly meaning?: Meaning | undefined }
  /** CONNACK with a reason other than success. */
  | { readonly kind: 'refused'; readonly code: number; readonly reasonString?: string | undefined }
  /** The operating system, TLS or the WebSocket said so. */
  | {
      readonly kind: 'network'
      readonly error: unknown
      readonly errorCode: string | undefined
      readonly meaning?: Meaning | undefined
    }
  /** What came first is no CONNACK; `start` is how it began. */
  | { readonly kind: 'garbage'; readonly error: MalformedPacket; readonly start: Uint8Array }
  /** The broker has sent what the standard does not allow. */
  | { readonly kind: 'malformed'; readonly error: MalformedPacket }
  /** MQTT 5: the broker sent DISCONNECT. */
  | { readonly kind: 'disconnect'; readonly code: number; readonly reasonString?: string | undefined }
  /** The other side closed without a word. */
  | { readonly kind: 'closed' }
  /** No PINGRESP came. */
  | { readonly kind: 'silent' }
  /** This side let go. */
  | { readonly kind: 'ended' }

/** Rejects whatever was waiting for something on a connection that is over. */
export class ConnectionLost extends Error {
  readonly failure: ConnectionFailure

  constructor(failure: ConnectionFailure) {
    super(`MQTT connection lost: ${failure.kind}`, 'error' in failure ? { cause: failure.error } : undefined)
    this.failure = failure
  }
}

/** A publish was answered with a reason code that is a failure (MQTT 5), or is larger than the broker takes. */
export class PublishRefused extends Error {
  readonly reasonCode: number
  /** What the broker says of it. */
  readonly reasonString: string | undefined

  constructor(reasonCode: number, reasonString?: string) {
    super(`PUBACK with reason code ${hex(reasonCode)}${reasonString ? ` (${reasonString})` : ''}`)
    this.reasonCode = reasonCode
    this.reasonString = reasonString
  }
}

/** The other side ended a connection that worked, as some brokers do where a message is not allowed. */
export function wasClosed(failure: ConnectionFailure): boolean {
  return (
    failure.kind === 'closed' ||
    failure.kind === 'disconnect' ||
    (failure.kind === 'network' && (failure.errorCode === 'ECONNRESET' || failure.errorCode === 'EPIPE'))
  )
}

/** MQTT 5, 4.13, Session taken over: another connection has come with our client id. Many brokers just close. */
export function wasTakenOver(failure: ConnectionFailure): boolean {
  return failure.kind === 'disconnect' && failure.code === 0x8e
}
