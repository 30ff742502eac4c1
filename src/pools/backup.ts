import { createHash } from 'node:crypto'
import { encodeText } from '../format/bytes.ts'
import { isMap, type JsonObject } from '../format/json.ts'
import { withoutRevision } from '../format/payload.ts'
import { unfitForTopic } from '../format/topic.ts'
import { PersistError } from '../runtime/errors.ts'
import type { OwnerKind } from './owners.ts'

/** Member `format` of the first line; docs/backup.md describes the format. */
const FORMAT = 'persist-mqtt backup'
const VERSION = 1

/** A pool in a backup. */
export interface SavedPool {
  readonly name: string
  readonly topic: string
  /** A backup has no revisions: restoring is a write of its own. */
  readonly bytes: Uint8Array
  readonly owner: OwnerKind
}

/** A backup of pools. */
export interface Backup {
  /** When it was made, as an ISO 8601 date. */
  readonly created: string
  /** The address of the broker, without a password. */
  readonly broker: string
  /** All pools that were asked for are in it. */
  readonly isComplete: boolean
  readonly pools: readonly SavedPool[]
}

/** A line of a pool: the payload as a text, or in Base64 (RFC 4648) where it is no valid UTF-8. */
type Entry = { name: string; topic: string; owner: OwnerKind } & ({ text: string } | { base64: string })

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The lines of a backup: a heading, a line for each pool, and the checksum of the lines before. */
export function* linesOf({ created, broker, isComplete, pools }: Backup): Generator<string> {
  const sum = createHash('sha256')
  const counted = (line: string) => {
    sum.update(line)
    return line
  }
  const head = { format: FORMAT, version: VERSION, created, broker, complete: isComplete, pools: pools.length }
  yield counted(`${JSON.stringify(head)}\n`)
  for (const pool of pools) yield counted(`${JSON.stringify(entryOf(pool))}\n`)
  yield `${JSON.stringify({ sha256: sum.digest('hex') })}\n`
}

function entryOf({ name, topic, owner, bytes: held }: SavedPool): Entry {
  const about = { name, topic, owner }
  const bytes = withoutRevision(held)
  try {
    return { ...about, text: decoder.decode(bytes) }
  } catch {
    return { ...about, base64: Buffer.from(bytes).toString('base64') }
  }
}

/**
 * Reads a backup, and checks that it is complete and unaltered.
 *
 * @param file its name, for messages
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD
 */
export function readBackup(text: string, file: string): Backup {
  const wrong = (reason: string) => {
    const message = `${file} cannot be restored: ${reason}. Nothing was changed.`
    return new PersistError('ERR_PERSIST_BAD_PAYLOAD', message, { store: file })
  }
  const lines = text.split('\n')
  const head = parsed(lines[0])
  if (head?.format !== FORMAT) throw wrong('it is no backup of persist-mqtt')
  if (typeof head.version !== 'number' || head.version > VERSION) {
    throw wrong(`it is of version ${String(head.version)}, which a newer persist-mqtt has made; update this one`)
  }
  const end = lines.findLastIndex((line) => line !== '')
  const { sha256 } = parsed(lines[end]) ?? {}
  if (end < 1 || typeof sha256 !== 'string') throw wrong('its end is missing')
  const sum = createHash('sha256')
  for (const line of lines.slice(0, end)) sum.update(`${line}\n`)
  if (sum.digest('hex') !== sha256) throw wrong('it was changed or damaged (its checksum is another one)')
  const pools = lines.slice(1, end).map((line, index) => {
    const pool = savedPool(parsed(line))
    if (pool === undefined) throw wrong(`line ${index + 2} is no pool`)
    return pool
  })
  const names = new Set(pools.map(({ name }) => name))
  if (names.size < pools.length) throw wrong('it has two pools of one name')
  if (pools.length !== head.pools) throw wrong(`it has ${pools.length} pools, and should have ${String(head.pools)}`)
  return { created: String(head.created), broker: String(head.broker), isComplete: head.complete === true, pools }
}

function parsed(line = ''): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isMap(value) ? value : undefined
  } catch {
    return undefined
  }
}

function savedPool(entry: JsonObject | undefined): SavedPool | undefined {
  const { name, topic, owner, text, base64 } = entry ?? {}
  // A name with a wildcard would stand for other pools.
  if (typeof name !== 'string' || name === '' || unfitForTopic(name) || typeof topic !== 'string') return undefined
  const kind = owner === 'program' || owner === 'device' ? owner : 'none'
  if (typeof text === 'string') return { name, topic, owner: kind, bytes: withoutRevision(encodeText(text)) }
  if (typeof base64 === 'string')
    return { name, topic, owner: kind, bytes: withoutRevision(new Uint8Array(Buffer.from(base64, 'base64'))) }
  return undefined
}
