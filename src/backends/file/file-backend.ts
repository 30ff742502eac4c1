import { rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Backend, BackendListener, Held, WriteOutcome } from '../../contracts/backend.ts'
import { copyOf, sameBytes } from '../../format/bytes.ts'
import { payloadOf } from '../../format/payload.ts'
import { makeDirectory, syncDirectory, whileHeld } from '../../node/disk.ts'
import { type Deferred, deferred, within } from '../../runtime/promises.ts'
import { keepCorrupt } from './corrupt-copy.ts'
import { closedFileError, fileError, lateFileError, uncertainFileError } from './file-error.ts'
import { keepPoolCopy } from './pool-copy.ts'
import { followLinks, readPoolFile } from './pool-file.ts'
import { removeTemporary, sweepTemporary, writeTemporary } from './temporary-file.ts'

/** How long `close` waits for the disk, in milliseconds. */
const CLOSE_LIMIT_MS = 2000

/**
 * Keeps a pool as a JSON file: the old or the new one, whole, whenever the power goes.
 *
 * The backend replaces the file by rename. It makes missing directories, keeps mode and owner, and follows links. It
 * does not watch the file: the next write finds what another program wrote, writes nothing, and hands that to the store
 * to be merged. Two programs that save in the same millisecond can miss each other: a file is for one program at a
 * time. Before a file that is no pool (an empty one, too) is replaced, it is kept as `<file>.corrupt-<time>`; before a
 * pool of an older program is migrated, it is kept as `<file>.before`.
 *
 * @example
 * const pt = await openStore({ backend: fileBackend('/var/lib/garage/_persist.json') })
 */
export function fileBackend(path: string): Backend {
  return new FileBackend(resolve(path))
}

class FileBackend implements Backend {
  readonly place: string
  #listener: BackendListener | undefined
  /** The content of the file as last read or written, which the listener knows. */
  #known: Uint8Array | null = null
  /** Did this backend write those bytes? */
  #isOurs = false
  #isSwept = false
  #closed: Promise<void> | undefined
  /**
   * close() rejects it, and so the call that waits. A new one for each call: a promise that lives on would keep them
   * all.
   */
  #waiting: Deferred<never> | undefined
  /** Work of the disk, which cannot be cancelled: it may take longer than the limit of its caller. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(place: string) {
    this.place = place
  }

  async open(listener: BackendListener, limitMs: number): Promise<Held> {
    return this.#run('read', limitMs, async (signal) => {
      const bytes = await readPoolFile(this.place)
      signal.throwIfAborted()
      this.#known = bytes
      this.#listener = listener
      return { bytes: copyOf(bytes), proof: 'exact' }
    })
  }

  async write(bytes: Uint8Array, limitMs: number): Promise<WriteOutcome> {
    if (this.#listener === undefined) throw closedFileError(this.place)
    const content = new Uint8Array(bytes)
    return this.#run('written', limitMs, (signal) => this.#replace(content, signal))
  }

  async keepCopy(bytes: Uint8Array | null, limitMs: number): Promise<void> {
    if (this.#listener === undefined) throw closedFileError(this.place)
    const content = copyOf(bytes)
    await this.#run('written', limitMs, (signal) => keepPoolCopy(this.place, content, signal))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#listener = undefined
    this.#waiting?.reject(closedFileError(this.place))
    await within(this.#work, CLOSE_LIMIT_MS, () => lateFileError(this.place, 'written', CLOSE_LIMIT_MS)).catch(() => {})
  }

  /** Does one piece of work after the other; `signal` is aborted when the caller no longer waits. */
  async #run<Result>(
    done: 'read' | 'written',
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closed !== undefined) throw closedFileError(this.place)
    const given = new AbortController()
    const waiting = deferred<never>()
    this.#waiting = waiting
    const before = this.#work
    const running = before.then(() => {
      given.signal.throwIfAborted()
      return work(given.signal)
    })
    this.#work = running.catch(() => {})
    const late = () => lateFileError(this.place, done, limitMs)
    try {
      return await within(Promise.race([running, waiting.promise]), limitMs, late)
    } catch (thrown) {
      given.abort()
      throw fileError(thrown, this.place, done)
    }
  }

  async #replace(bytes: Uint8Array, signal: AbortSignal): Promise<WriteOutcome> {
    const target = await followLinks(this.place)
    const directory = dirname(target)
    await makeDirectory(directory)
    if (!this.#isSwept) await sweepTemporary(directory)
    this.#isSwept = true
    const temporary = await writeTemporary(directory, bytes, target)
    let isKeptAside = false
    const replace = async (): Promise<WriteOutcome> => {
      // As late as possible, so that no other program writes between this read and the rename. Compared by content: two
      // writes within one tick of the file system's clock leave the same modification time.
      const held = await readPoolFile(target)
      signal.throwIfAborted()
      if (!sameBytes(held, this.#known)) {
        this.#known = held
        this.#isOurs = false
        this.#listener?.tell({ kind: 'held', how: 'written', bytes: copyOf(held) })
        return 'superseded'
      }
      // By the rule that decides whether a store would open it.
      const isCorrupt = held !== null && !this.#isOurs && payloadOf(held) === undefined
      if (isCorrupt && !isKeptAside) await keepCorrupt(target)
      isKeptAside = isCorrupt
      signal.throwIfAborted()
      await rename(temporary, target)
      this.#known = bytes
      this.#isOurs = true
      return 'written'
    }
    let outcome: WriteOutcome
    try {
      outcome = await whileHeld(replace)
    } finally {
      await removeTemporary(temporary)
    }
    if (outcome !== 'written') return outcome
    await syncDirectory(directory).catch((cause) => {
      throw uncertainFileError(this.place, cause)
    })
    return outcome
  }
}
