import type { PersistErrorCode } from '../../runtime/errors.ts'
import type { Endpoint } from './endpoint.ts'

/** A stream of bytes to a broker and back, in order (MQTT 5, 4.2). It is being made when one gets it. */
export interface Transport {
  /**
   * Sends parts one after the other, as one write where it can; nothing is changed in them afterwards. What is sent
   * before the connection is made goes out then.
   *
   * @returns whether more may follow now; if not, the listener hears `drained()`
   */
  send(parts: readonly Uint8Array[]): boolean
  /** Closes when all that was sent is out; nothing may be sent afterwards. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

/** Hears of a transport; nothing comes after `closed()`. */
export interface TransportListener {
  /** How far it has got: the host has accepted the connection, and then its certificate holds. */
  reached(what: 'tcp' | 'tls'): void
  /** Bytes have come; nobody changes them afterwards. */
  received(bytes: Uint8Array): void
  /** More may be sent again. */
  drained(): void
  /** The operating system, TLS or the WebSocket said so, and what that means, if it is known; `closed()` follows. */
  failed(error: unknown, meaning?: Meaning): void
  closed(): void
}

/** What an error means, as the end of a sentence, and what to do about it, as sentences. */
export interface Meaning {
  /** Without: ERR_PERSIST_CONNECT. */
  readonly code?: PersistErrorCode
  readonly what: string
  readonly advice: string
}

/** Where a transport goes to. */
export interface TransportSettings {
  readonly endpoint: Endpoint
  readonly tls: TlsOptions | undefined
}

/** Of Node's TLS, with PEM texts; for mqtts: and wss:. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly cert?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly key?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** How long the other side may take to answer the end of a connection, in milliseconds; a dead link never does. */
export const END_LIMIT_MS = 1000

/** No connection can be begun with what is there: something cannot be loaded, or a certificate is none. */
export class CannotBegin extends Error {
  readonly meaning: Meaning

  constructor(meaning: Meaning, options: { readonly cause: unknown }) {
    super(meaning.what, options)
    this.meaning = meaning
  }
}
