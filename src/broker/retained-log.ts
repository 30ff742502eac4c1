import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeDirectory, renameFile, syncDirectory, syncFile, writeAt } from '../node/disk.ts'
import { codeOf, PersistError, reasonOf } from '../runtime/errors.ts'
import { lockDirectory } from './directory-lock.ts'
import { encodeRecord, type LogRecord, logHeader, MARK_BYTES, payloadOf, readLog, topicOf } from './log-record.ts'

// With fewer outdated bytes than that, a rewrite is not worth its two fsyncs.
const SLACK_BYTES = 1024 * 1024
// readFile() refuses larger files, and so the log would not load at the next start.
const MOST_BYTES = 2 ** 31 - 1

// Pools may have secrets in them: only the user of the broker reads them.
const FILE_MODE = 0o600

interface Batch {
  records: LogRecord[]
  written: Promise<void>
}

/**
 * The retained messages of one broker, in a file to which records are appended. When it is more than twice as large as
 * the messages that count, it is rewritten.
 *
 * Records that {@link RetainedLog.append} has confirmed survive `kill -9` and power cuts.
 */
export class RetainedLog {
  readonly #directory: string
  readonly #warn: (text: string) => void
  readonly #unlock: () => void
  readonly #latest = new Map<string, LogRecord>()
  #latestBytes = 0
  #mark: Buffer = randomBytes(MARK_BYTES)
  #file: FileHandle | undefined
  #size = 0
  #rewriteAbove = 0
  #next: Batch | undefined
  #previous: Promise<void> = Promise.resolve()
  #failing = false
  #unusable: PersistError | undefined
  #closed: Promise<void> | undefined

  /** The copy of a damaged log that was found at the start. */
  damaged: string | undefined

  private constructor(directory: string, warn: (text: string) => void, unlock: () => void) {
    this.#directory = directory
    this.#warn = warn
    this.#unlock = unlock
  }

  static async open(directory: string, warn: (text: string) => void): Promise<RetainedLog> {
    const path = resolve(directory)
    let log: RetainedLog | undefined
    try {
      await makeDirectory(path, 0o700)
      log = new RetainedLog(path, warn, lockDirectory(path))
      await log.#load()
      return log
    } catch (cause) {
      await log?.close()
      if (cause instanceof PersistError) throw cause
      throw unusable(path, cause)
    }
  }

  /** The last message of each topic, as it is on disk. */
  get latest(): Iterable<LogRecord> {
    return this.#latest.values()
  }

  encode(topic: string, qos: number, payload: Uint8Array): LogRecord {
    return encodeRecord(this.#mark, topic, qos, payload)
  }

  /**
   * Resolves when the record is on disk; those of one batch resolve in the order of the calls.
   *
   * Records that arrive during a write go to disk together, with one fsync (a "group commit").
   */
  append(record: LogRecord): Promise<void> {
    if (this.#unusable !== undefined) return Promise.reject(this.#unusable)
    if (this.#next === undefined) {
      const batch: Batch = { records: [], written: this.#previous.then(() => this.#write(batch)) }
      this.#next = batch
      this.#previous = batch.written.then(
        () => this.#compact(),
        () => {},
      )
    }
    this.#next.records.push(record)
    return this.#next.written
  }

  /** Writes the records under way, and releases the directory. */
  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    this.#unusable ??= this.#failure('is closed')
    await this.#previous
    try {
      await this.#file?.close()
    } finally {
      this.#unlock()
    }
  }

  get #path(): string {
    return join(this.#directory, 'retained.log')
  }

  async #load(): Promise<void> {
    await rm(`${this.#path}.new`, { force: true, recursive: true })
    const bytes = await readFile(this.#path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (bytes === undefined) return this.#rewrite()
    // An earlier version made it readable for everybody. Not every file system knows permissions.
    await chmod(this.#path, FILE_MODE).catch(() => {})
    const found = readLog(bytes)
    for (const record of found.records) this.#note(record)
    // A copy of each, so that the messages do not keep the whole file in memory.
    for (const [topic, record] of this.#latest) this.#latest.set(topic, Buffer.from(record))
    if (found.condition === 'corrupt') {
      await this.#keepAside(found.records.length)
      for (const record of this.#latest.values()) this.#mark.copy(record)
      return this.#rewrite()
    }
    this.#mark = found.mark
    this.#file = await open(this.#path, 'r+')
    this.#size = found.end
    if (found.condition === 'torn') await this.#cut()
  }

  // A copy, not a rename: should we be killed before the new log is there, the next start finds the old one again.
  async #keepAside(readable: number): Promise<void> {
    const aside = `${this.#path}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`
    await copyFile(this.#path, aside, constants.COPYFILE_EXCL)
    await syncFile(aside)
    await syncDirectory(this.#directory)
    this.damaged = aside
    this.#warn(
      `${this.#path} is damaged: ${readable} messages in it could be read and are used, others may be missing or old. It is kept as it was in ${aside}.`,
    )
  }

  #note(record: LogRecord): void {
    const topic = topicOf(record)
    this.#latestBytes -= this.#latest.get(topic)?.length ?? 0
    // Set anew at the end, so that a rewritten log has the messages in the order in which they came.
    this.#latest.delete(topic)
    if (payloadOf(record).length === 0) return
    this.#latest.set(topic, record)
    this.#latestBytes += record.length
  }

  async #write(batch: Batch): Promise<void> {
    this.#next = undefined
    // The batch before may have left the file unusable; close() waits for both.
    if (this.#file === undefined) throw this.#unusable ?? this.#failure('is not open')
    const [first] = batch.records
    const bytes = batch.records.length === 1 && first !== undefined ? first : Buffer.concat(batch.records)
    if (this.#size + bytes.length > MOST_BYTES) throw this.#failure(`would be larger than ${MOST_BYTES} bytes`)
    try {
      await writeAt(this.#file, bytes, this.#size)
      // fdatasync: it takes the file's length along, and leaves out only its times.
      await this.#file.datasync()
      this.#failing = false
    } catch (cause) {
      const error = this.#failure(`could not be written (${reasonOf(cause)})`, cause)
      if (!this.#failing) this.#warn(error.message)
      this.#failing = true
      await this.#cut().catch((reason: unknown) => this.#giveUp(reason))
      throw error
    }
    this.#size += bytes.length
    for (const record of batch.records) this.#note(record)
  }

  /** Cuts off the bytes of a failed write, which could be read as a confirmed message. */
  async #cut(): Promise<void> {
    await this.#file?.truncate(this.#size)
    await this.#file?.datasync()
  }

  async #giveUp(cause: unknown): Promise<void> {
    this.#unusable = this.#failure(`cannot be used any more until a restart (${reasonOf(cause)})`, cause)
    this.#warn(this.#unusable.message)
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  async #compact(): Promise<void> {
    if (this.#size <= Math.max(2 * this.#latestBytes + SLACK_BYTES, this.#rewriteAbove)) return
    try {
      await this.#rewrite()
    } catch (cause) {
      // The old log is still in use, unless it was given up. The disk may be full now, and have room later.
      this.#rewriteAbove = this.#size + SLACK_BYTES
      this.#warn(`${this.#path} could not be made smaller, and goes on growing (${reasonOf(cause)}).`)
    }
  }

  /** Writes all messages into a new file, and replaces the log by it in one step. */
  async #rewrite(): Promise<void> {
    const bytes = Buffer.concat([logHeader(this.#mark), ...this.#latest.values()])
    await rm(`${this.#path}.new`, { force: true })
    // 'wx': through a link that somebody has laid there, it would be written elsewhere.
    const file = await open(`${this.#path}.new`, 'wx', FILE_MODE)
    try {
      await writeAt(file, bytes, 0)
      await file.sync()
      await renameFile(`${this.#path}.new`, this.#path)
    } catch (error) {
      await file.close().catch(() => {})
      await rm(`${this.#path}.new`, { force: true }).catch(() => {})
      throw error
    }
    await this.#file?.close()
    this.#file = file
    this.#size = bytes.length
    // Until then, a power cut could bring back the old file, without the records appended to the new one.
    await syncDirectory(this.#directory).catch(async (error: unknown) => {
      await this.#giveUp(error)
      throw error
    })
  }

  #failure(what: string, cause?: unknown): PersistError {
    const text = `The file of retained messages ${this.#path} ${what}. What was published now is not acknowledged.`
    return new PersistError('ERR_PERSIST_FAILED', text, { store: this.#directory, cause })
  }
}

function unusable(directory: string, cause: unknown): PersistError {
  const text = `The data directory ${directory} cannot be used: ${reasonOf(cause)}`
  return new PersistError('ERR_PERSIST_FAILED', text, { store: directory, cause })
}
