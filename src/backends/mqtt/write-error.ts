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

export function lateError(store: string, limitMs: number): PersistError {
  const text = `The broker did not confirm ${store} within ${Math.round(limitMs)} ms: is it overloaded, or the link dead?`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store })
}

export function noEchoError(store: string, limitMs: number): PersistError {
  const text = `The broker took the connection, but did not tell what is kept at ${store} within ${Math.round(limitMs)} ms.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store })
}

export function noRetainError(store: string): PersistError {
  const text = `${store} cannot be saved: this broker keeps no retained messages (Mosquitto: retain_available true).`
  return new PersistError('ERR_PERSIST_DENIED', text, { store })
}

export function tooLargeError(store: string, sizeBytes: number, limitBytes: number): PersistError {
  const text = `${store} cannot be saved: ${sizeBytes} bytes, and this broker takes ${limitBytes} (its Maximum Packet Size).`
  return new PersistError('ERR_PERSIST_TOO_LARGE', text, { store, sizeBytes, limitBytes })
}

/** Three connections in a row were lost while this was written. */
export function closesAtWriteError(store: string, sizeBytes: number, cause: PersistError): PersistError {
  return new PersistError(
    'ERR_PERSIST_DENIED',
    `The broker closes the connection whenever ${store} is written: this user has no write permission there, ` +
      `retained messages are not allowed, or ${sizeBytes} bytes are over its limit (Mosquitto: max_packet_size).`,
    { store, sizeBytes, cause },
  )
}

/** The answer to a write cannot be read, and one such answer is known: Mosquitto's 0x95, packet too large. */
export function unreadableError(store: string, sizeBytes: number, cause: PersistError): PersistError {
  return new PersistError(
    'ERR_PERSIST_TOO_LARGE',
    `The broker refused ${store} with a code that is not allowed there, as Mosquitto does with what is over its ` +
      `message_size_limit: raise it, or keep less than ${sizeBytes} bytes in one pool.`,
    { store, sizeBytes, cause },
  )
}
