import { ConnectionLost, PublishRefused } from '../../mqtt/failure.ts'
import { PersistError, type PersistErrorFacts } from '../../runtime/errors.ts'

/** MQTT 5, 2.4: Packet too large; Quota exceeded. Mosquitto uses the first in PUBACK as well. */
const TOO_LARGE_CODES = [0x95, 0x97]
const NOT_AUTHORIZED = 0x87
const RETAIN_NOT_SUPPORTED = 0x9a

/** Why a write was not made, as the session found it. */
export type WriteFailureKind =
  | 'retain unavailable'
  | 'too large'
  | 'refused'
  | 'unreadable'
  | 'dropped'
  | 'not retained'
  | 'closed each time'

export class WriteFailure extends Error {
  readonly kind: WriteFailureKind
  readonly sizeBytes: number | undefined
  /** For 'too large' the limit in bytes, for 'refused' the reason code. */
  readonly detail: number | undefined

  constructor(kind: WriteFailureKind, sizeBytes?: number, detail?: number) {
    super(kind)
    this.kind = kind
    this.sizeBytes = sizeBytes
    this.detail = detail
  }
}

/**
 * What the broker told by a reason code: in PUBACK, or by DISCONNECT. Anything else as it is.
 */
export function refusalIn(thrown: unknown, sizeBytes: number): unknown {
  if (thrown instanceof PublishRefused) return new WriteFailure('refused', sizeBytes, thrown.reasonCode)
  const failure = thrown instanceof ConnectionLost ? thrown.failure : undefined
  if (failure?.kind !== 'disconnect') return thrown
  const isAboutTheWrite = [...TOO_LARGE_CODES, NOT_AUTHORIZED, RETAIN_NOT_SUPPORTED].includes(failure.code)
  return isAboutTheWrite ? new WriteFailure('refused', sizeBytes, failure.code) : thrown
}

/** The error for the store, with what to change at the broker. */
export function writeError({ kind, sizeBytes, detail }: WriteFailure, storeName: string, topic: string): PersistError {
  const facts: PersistErrorFacts = { store: storeName, ...(sizeBytes !== undefined && { sizeBytes }) }
  const denied = (text: string) =>
    new PersistError('ERR_PERSIST_DENIED', `Store ${storeName} was not saved: ${text}`, {
      ...facts,
      ...(kind === 'refused' && { received: detail }),
    })
  const noRetain = 'Switch retained messages on (Mosquitto: retain_available true).'
  switch (kind) {
    case 'too large':
      return tooLarge(storeName, `the broker takes at most ${detail} bytes, and the pool has ${sizeBytes}`, {
        ...facts,
        ...(detail !== undefined && { limitBytes: detail }),
      })
    case 'refused': {
      const code = `0x${(detail ?? 0).toString(16)}`
      if (detail !== undefined && TOO_LARGE_CODES.includes(detail)) {
        return tooLarge(storeName, `the broker refused its ${sizeBytes} bytes as too many (${code})`, {
          ...facts,
          received: detail,
        })
      }
      if (detail === RETAIN_NOT_SUPPORTED) return denied(`the broker keeps no retained messages (${code}). ${noRetain}`)
      const advice = `Give this user write permission on ${topic}.`
      return denied(`the broker refused the message with reason code ${code}. ${advice}`)
    }
    case 'retain unavailable':
      return denied(`the broker says that it keeps no retained messages. ${noRetain}`)
    case 'not retained':
      return denied(`the broker forwarded the pool to its readers, but did not keep it. ${noRetain}`)
    case 'unreadable':
      return denied(
        `nothing seems to be kept, but a message on ${topic} itself did not come back, so a pool may be hidden there. ` +
          'This user has no read permission on the topic, or no write permission: it needs both.',
      )
    case 'dropped':
      return denied(
        `the broker acknowledged the pool and dropped it. Either this user has no write permission on ${topic} ` +
          `(access list), or its ${sizeBytes} bytes are over a limit of the broker (Mosquitto: message_size_limit).`,
      )
    case 'closed each time':
      return denied(
        `the broker closes the connection each time the pool is sent. Either this user has no write permission on ` +
          `${topic} (access list), or its ${sizeBytes} bytes are over a limit of the broker (Mosquitto: ` +
          'max_packet_size), or the broker keeps no retained messages (Mosquitto: retain_available true).',
      )
  }
}

function tooLarge(storeName: string, what: string, facts: PersistErrorFacts): PersistError {
  const advice = 'Remove variables, or raise the limit at the broker.'
  return new PersistError('ERR_PERSIST_TOO_LARGE', `Store ${storeName} was not saved: ${what}. ${advice}`, facts)
}
