import { PersistError } from '../../errors.ts'

/** MQTT 5, 3.4.2.1 and 2.4: the reason codes of a PUBACK that mean size or quota. */
const TOO_LARGE = [0x95, 0x97]

/** The broker answered that it does not take the message. */
export function refusedError(topic: string, reasonCode: number, sizeBytes: number): PersistError {
  const facts = { store: topic, received: reasonCode, sizeBytes }
  const code = `0x${reasonCode.toString(16)}`
  if (TOO_LARGE.includes(reasonCode)) {
    return new PersistError(
      'ERR_PERSIST_TOO_LARGE',
      `The broker refused ${sizeBytes} bytes on ${topic} (${code}): raise its limits, or keep less in one pool.`,
      facts,
    )
  }
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `The broker refused to keep ${topic} (${code}): this user needs write permission there.`,
    facts,
  )
}

/** Acknowledged, but neither forwarded nor retained: what Mosquitto does in silence. */
export function droppedError(topic: string, sizeBytes: number): PersistError {
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `The broker acknowledged ${topic} and dropped it: this user has no write permission there (access list), ` +
      `or ${sizeBytes} bytes are over its limit (Mosquitto: message_size_limit).`,
    { store: topic, sizeBytes },
  )
}

/** Forwarded, but not there for who comes later. */
export function notRetainedError(topic: string): PersistError {
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `The broker forwards ${topic} but does not retain it: allow retained messages (Mosquitto: retain_available true).`,
    { store: topic },
  )
}

/** We may not see what is kept, so that nothing must be written over it. */
export function notReadableError(topic: string, reasonCode?: number): PersistError {
  const how = reasonCode === undefined ? 'sends nothing back' : `refuses to subscribe (0x${reasonCode.toString(16)})`
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `The broker ${how} on ${topic}: this user needs read permission there, else what is kept could be overwritten unseen.`,
    { store: topic, ...(reasonCode === undefined ? {} : { received: reasonCode }) },
  )
}
