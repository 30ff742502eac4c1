import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Backend, BackendListener, Held } from '../backend.ts'
import { within } from '../deferred.ts'
import { PersistError, type PersistErrorCode, reasonOf } from '../errors.ts'

/**
 * Keeps a pool in a JSON file, also one that Tasmota's own `persist` wrote (`_persist.json`).
 *
 * The file is replaced in one step, never written into: it is the old pool or the new one, whenever the power goes.
 * It is not watched; what another program wrote into it is found before the next write, and merged.
 * @param path of the file; missing directories are made
 */
export function fileBackend(path: string): Backend {
  return new FileBackend(resolve(path))
}

class FileBackend implements Backend {
  readonly place: string
  /** Where the bytes are: behind symbolic links. */
  #path: string
  #listener: BackendListener | undefined
  /** What the file held when it was last read or written here. */
  #known: Uint8Array | null = null
  #isClosed = false
  #writing: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.place = path
    this.#path = path
  }

  async open(listener: BackendListener, limitMs: number): Promise<Held> {
    this.#listener = listener
    const bytes = await within(this.#start(), limitMs, () => lateError(this.place, limitMs))
    return { bytes, proof: 'exact' }
  }

  async write(bytes: Uint8Array, limitMs: number): Promise<'written' | 'superseded'> {
    if (this.#isClosed || this.#listener === undefined) {
      throw new PersistError('ERR_PERSIST_CLOSED', `The file ${this.place} is not open.`, { store: this.place })
    }
    // A copy: the caller may change its bytes while the disk is busy.
    const own = bytes.slice()
    // A write that was given up on may still be under way; two at a time would not know which is the last.
    const writing = this.#writing.then(() => this.#replace(own))
    this.#writing = writing.catch(() => {})
    return within(writing, limitMs, () => lateError(this.place, limitMs))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
  }

  async #start(): Promise<Uint8Array | null> {
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      this.#path = await realpath(this.#path).catch(ifMissing(this.#path))
      this.#known = await this.#read()
      return this.#known === null ? null : this.#known.slice()
    } catch (cause) {
      throw fileError(this.place, 'read', cause)
    }
  }

  #read(): Promise<Uint8Array | null> {
    return readFile(this.#path).catch(ifMissing(null))
  }

  async #replace(bytes: Uint8Array): Promise<'written' | 'superseded'> {
    try {
      const there = await this.#read()
      if (!isSame(there, this.#known)) {
        this.#known = there
        this.#listener?.changed(there === null ? null : there.slice())
        return 'superseded'
      }
      if (there !== null && !isObject(there)) await this.#keepAside()
      await this.#swap(bytes)
      this.#known = bytes
      return 'written'
    } catch (cause) {
      throw fileError(this.place, 'written', cause)
    }
  }

  /** What is no pool may be all that is left of one: it stays under another name. */
  async #keepAside(): Promise<void> {
    const time = new Date().toISOString().replaceAll(':', '-')
    // A link instead of a rename fails where that name is taken, and leaves the file in its place until the swap.
    await link(this.#path, `${this.#path}.corrupt-${time}`)
  }

  /** Puts bytes in the file's place: they are on disk under another name first. */
  async #swap(bytes: Uint8Array): Promise<void> {
    const temporary = `${this.#path}.${randomBytes(6).toString('hex')}.tmp`
    const mode = await stat(this.#path).then(({ mode }) => mode & 0o7777, ifMissing(0o666))
    try {
      await inFile(await open(temporary, 'wx', mode), async (file) => {
        await file.writeFile(bytes)
        // The umask may have taken from the mode of a file that is there already.
        if (mode !== 0o666) await file.chmod(mode)
        await file.sync()
      })
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    // The new name is on disk when the directory is. Windows has no such call, and needs none.
    if (process.platform !== 'win32')
      await inFile(await open(dirname(this.#path), 'r'), (directory) => directory.sync())
  }
}

async function inFile(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  await work(file).finally(() => file.close())
}

/** A handler of errors: what to take where there is no such file. */
function ifMissing<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (codeOf(error) === 'ENOENT') return value
    throw error
  }
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return Buffer.compare(a, b) === 0
}

function isObject(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

const REASONS: { readonly [code: string]: readonly [code: PersistErrorCode, what: string] } = {
  EACCES: ['ERR_PERSIST_DENIED', 'this user may not: change the permissions of the file and its directory'],
  EPERM: ['ERR_PERSIST_DENIED', 'the system does not allow it: is the file or its directory immutable?'],
  EROFS: ['ERR_PERSIST_DENIED', 'the file system is read-only'],
  ENOSPC: ['ERR_PERSIST_FAILED', 'the disk is full: make room, what was kept is still there'],
  EDQUOT: ['ERR_PERSIST_FAILED', 'the disk quota is used up: make room, what was kept is still there'],
  EISDIR: ['ERR_PERSIST_FAILED', 'there is a directory of that name'],
  ENOTDIR: ['ERR_PERSIST_FAILED', 'a part of the path is a file, not a directory'],
}

function fileError(path: string, done: string, cause: unknown): PersistError {
  const [code, what] = REASONS[String(codeOf(cause))] ?? (['ERR_PERSIST_FAILED', reasonOf(cause)] as const)
  return new PersistError(code, `The file ${path} could not be ${done}: ${what}.`, { store: path, cause })
}

function lateError(path: string, limitMs: number): PersistError {
  const text = `The disk did not answer for ${path} within ${Math.round(limitMs)} ms.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store: path })
}
