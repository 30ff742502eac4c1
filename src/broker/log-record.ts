import { crc32 } from 'node:zlib'

/**
 * One retained message in the log, as its bytes on disk:
 *
 *     mark (4) · CRC-32 of all that follows (4) · length of what follows (4)
 *     QoS (1) · bytes of the topic (4) · topic · payload; an empty payload says that the topic has no message
 *
 * In memory it is the same bytes; topic and payload are views on them.
 */
export type LogRecord = Buffer

/** What {@link readLog} found. */
export interface LogContents {
  /** All records that are whole, oldest first. */
  records: LogRecord[]
  /** The four bytes that begin each record of this file. */
  mark: Buffer
  /** Where the last whole record ends. */
  end: number
  /**
   * `torn`: after `end` is a part of a record whose write was interrupted, and so was never acknowledged.
   * `corrupt`: bytes that were on disk have changed.
   */
  condition: 'whole' | 'torn' | 'corrupt'
}

export const MARK_BYTES = 4
const MAGIC = Buffer.from('persist-mqtt retained 1\n', 'latin1')
const HEADER_BYTES = MAGIC.length + MARK_BYTES
const CRC_AT = 4
const LENGTH_AT = 8
const BODY_AT = 12
const TOPIC_AT = BODY_AT + 5

/** The first bytes of a log whose records begin with this mark. */
export function logHeader(mark: Buffer): Buffer {
  return Buffer.concat([MAGIC, mark])
}

export function encodeRecord(mark: Buffer, topic: string, qos: number, payload: Uint8Array): LogRecord {
  const topicBytes = Buffer.byteLength(topic)
  // Not from Node's buffer pool: a record lives as long as its message, and would keep 8 KB of the pool alive.
  const record = Buffer.allocUnsafeSlow(TOPIC_AT + topicBytes + payload.length)
  mark.copy(record)
  record.writeUInt32LE(record.length - BODY_AT, LENGTH_AT)
  record.writeUInt8(qos, BODY_AT)
  // Four bytes: Aedes makes 65,535 bytes that are no UTF-8 three times as many, U+FFFD characters.
  record.writeUInt32LE(topicBytes, BODY_AT + 1)
  record.write(topic, TOPIC_AT)
  record.set(payload, TOPIC_AT + topicBytes)
  record.writeUInt32LE(crc32(record.subarray(LENGTH_AT)), CRC_AT)
  return record
}

export function topicOf(record: LogRecord): string {
  return record.toString('utf8', TOPIC_AT, payloadAt(record))
}

export function payloadOf(record: LogRecord): Buffer {
  return record.subarray(payloadAt(record))
}

export function qosOf(record: LogRecord): 0 | 1 | 2 {
  const qos = record.readUInt8(BODY_AT)
  return qos === 1 || qos === 2 ? qos : 0
}

function payloadAt(record: LogRecord): number {
  return TOPIC_AT + record.readUInt32LE(BODY_AT + 1)
}

/** Reads all whole records, also those after damaged ones. */
export function readLog(bytes: Buffer): LogContents {
  const headed = bytes.subarray(0, MAGIC.length).equals(MAGIC) && bytes.length >= HEADER_BYTES
  // If the header is damaged, the first record still has the mark.
  const markAt = headed ? MAGIC.length : HEADER_BYTES
  const mark = Buffer.from(bytes.subarray(markAt, markAt + MARK_BYTES))
  const records: LogRecord[] = []
  let condition: LogContents['condition'] = headed ? 'whole' : 'corrupt'
  let end = headed ? HEADER_BYTES : 0
  let at = HEADER_BYTES
  while (at < bytes.length && mark.length === MARK_BYTES) {
    const record = recordAt(bytes, at, mark)
    if (record === undefined) {
      const next = nextRecord(bytes, at + 1, mark)
      if (next === undefined) {
        if (condition === 'whole') condition = isTorn(bytes.subarray(at)) ? 'torn' : 'corrupt'
        break
      }
      condition = 'corrupt'
      at = next
    } else {
      records.push(record)
      at += record.length
      end = at
    }
  }
  return { records, mark, end, condition }
}

function recordAt(bytes: Buffer, at: number, mark: Buffer): LogRecord | undefined {
  if (at + TOPIC_AT > bytes.length || !bytes.subarray(at, at + MARK_BYTES).equals(mark)) return undefined
  const end = at + BODY_AT + bytes.readUInt32LE(at + LENGTH_AT)
  if (end > bytes.length) return undefined
  const record = bytes.subarray(at, end)
  return crc32(record.subarray(LENGTH_AT)) === record.readUInt32LE(CRC_AT) ? record : undefined
}

// The mark is random, one for each log, so that a payload that is a copy of another log is not taken for records.
function nextRecord(bytes: Buffer, from: number, mark: Buffer): number | undefined {
  for (let at = bytes.indexOf(mark, from); at !== -1; at = bytes.indexOf(mark, at + 1)) {
    if (recordAt(bytes, at, mark) !== undefined) return at
  }
  return undefined
}

// A process that was killed leaves a record without its end. A power cut may also leave zeros, where the file had grown
// but its contents were not written. A last record of full length with a wrong CRC is neither, and so corrupt.
function isTorn(tail: Buffer): boolean {
  if (tail.length < TOPIC_AT || tail.every((byte) => byte === 0)) return true
  return BODY_AT + tail.readUInt32LE(LENGTH_AT) > tail.length
}
