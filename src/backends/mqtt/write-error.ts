import { ConnectionLost, FAILURE, PublishRefused } from '../../mqtt/failure.ts'
import { codeText, reasonFor } from '../../mqtt/reason-codes.ts'
import { PersistError, type PersistErrorFacts } from '../../runtime/errors.ts'
import type { TopicChanged } from './fence.ts'

/** MQTT 5, 2.4. Mosquitto uses the first in PUBACK as well. */
const PACKET_TOO_LARGE = 0x95
const NOT_AUTHORIZED = 0x87
const QUOTA_EXCEEDED = 0x97
export const RETAIN_NOT_SUPPORTED = 0x9a
const QOS_NOT_SUPPORTED = 0x9b

/** In a DISCONNECT these say something of the message that was sent. */
const ABOUT_A_MESSAGE = [PACKET_TOO_LARGE, NOT_AUTHORIZED, QUOTA_EXCEEDED, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED]

/** Why a write was not made, as the session found it. */
export type WriteFailureKind = 'too large' | 'refused' | 'unreadable' | 'dropped' | 'not retained' | 'closed each time'

export class WriteFailure extends Error {
  readonly kind: WriteFailureKind
  readonly sizeBytes: number | undefined
  /** For 'too large' the limit in bytes, for 'refused' the reason code. */
  readonly detail: number | undefined
  /** What the broker says of a refusal. */
  readonly reasonString: string | undefined

  constructor(kind: WriteFailureKind, sizeBytes?: number, detail?: number, reasonString?: string) {
    super(kind)
    this.kind = kind
    this.sizeBytes = sizeBytes
    this.detail = detail
    this.reasonString = reasonString
  }
}

/**
 * What the broker told by a reason code: in PUBACK, or by DISCONNECT. Anything else as it is.
 */
export function refusalIn(thrown: unknown, sizeBytes: number): unknown {
  const refused = (code: number, reasonString: string | undefined) =>
    new WriteFailure('refused', sizeBytes, code, reasonString)
  if (thrown instanceof PublishRefused) return refused(thrown.reasonCode, thrown.reasonString)
  const failure = thrown instanceof ConnectionLost ? thrown.failure : undefined
  if (failure?.kind !== 'disconnect' || !ABOUT_A_MESSAGE.includes(failure.code)) return thrown
  return refused(failure.code, failure.reasonString)
}

/** The error for the store, with what to change at the broker. */
export function writeError(failure: WriteFailure, storeName: string, topic: string): PersistError {
  const { kind, sizeBytes, detail, reasonString } = failure
  const facts: PersistErrorFacts = { store: storeName, ...(sizeBytes !== undefined && { sizeBytes }) }
  const denied = (text: string) =>
    new PersistError('ERR_PERSIST_DENIED', `Store ${storeName} was not saved: ${text}`, {
      ...facts,
      ...(kind === 'refused' && { received: detail }),
    })
  switch (kind) {
    case 'too large':
      return tooLarge(storeName, `the broker takes at most ${detail} bytes, and the pool has ${sizeBytes}`, {
        ...facts,
        ...(detail !== undefined && { limitBytes: detail }),
      })
    case 'refused': {
      const code = detail ?? FAILURE
      const shown = codeText(code, reasonString)
      if (code === PACKET_TOO_LARGE) {
        return tooLarge(storeName, `the broker refused its ${sizeBytes} bytes as too many (${shown})`, {
          ...facts,
          received: code,
        })
      }
      const reason = code === NOT_AUTHORIZED ? undefined : reasonFor(code)
      if (reason !== undefined)
        return denied(`the broker refused the message, ${reason.what} (${shown}). ${reason.advice}`)
      return denied(
        `the broker refused the message with reason code ${shown}. Give this user write permission on ${topic}.`,
      )
    }
    case 'not retained':
      return denied(
        `the broker forwarded the pool to its readers, but did not keep it. ${reasonFor(RETAIN_NOT_SUPPORTED)?.advice}`,
      )
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
          'max_packet_size), or the broker keeps no retained messages (Mosquitto: retain_available true), ' +
          'or takes no messages at QoS 1 (Mosquitto: max_qos 1).',
      )
  }
}

/**
 * The error for a topic that the broker does not bring back as it is.
 *
 * @param done what the store was not, as in `was not opened`
 */
export function topicChangedError(storeName: string, done: string, { sent, came }: TopicChanged): PersistError {
  const text =
    `Store ${storeName} was not ${done}: what is sent to ${sent} comes back from this broker as ${came}, so a pool that is ` +
    'there would not be seen. Use another name, or topic: of letters, digits, - and _ (RabbitMQ changes . and *).'
  return new PersistError('ERR_PERSIST_OPTION', text, { store: storeName, received: came })
}

function tooLarge(storeName: string, what: string, facts: PersistErrorFacts): PersistError {
  const advice = 'Remove variables, or raise the limit at the broker.'
  return new PersistError('ERR_PERSIST_TOO_LARGE', `Store ${storeName} was not saved: ${what}. ${advice}`, facts)
}
