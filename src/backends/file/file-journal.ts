import { dirname, resolve } from 'node:path'
import type { Journal, JournalContents, JournalFound } from '../../contracts/journal.ts'
import { encodeText } from '../../format/bytes.ts'
import { makeDirectory, renameFile, syncDirectory } from '../../node/disk.ts'
import { lockFile } from '../../node/process-lock.ts'
import { PersistError, reasonOf } from '../../runtime/errors.ts'
import { keepCorrupt } from './corrupt-copy.ts'
import { decodeJournal, encodeJournal } from './journal-text.ts'
import { followLinks, readPoolFile } from './pool-file.ts'
import { removeTemporary, sweepTemporary, writeTemporary } from './temporary-file.ts'

/** Only this user may read it: it has values of a pool that a broker may guard with a password. */
const MODE = 0o600

/**
 * A journal in one small file, which is replaced in one step: the old or the new one, whole, whenever the power goes.
 *
 * No log that grows: it holds the unconfirmed variables, which are few, and the last changes up to a bound; and a file that is always
 * whole needs no recovery. `<path>.lock` keeps other processes out.
 *
 * @param store the store's topic, which is written into the journal so that no other store uses it; not the broker's
 * address, which may change
 */
export function fileJournal(path: string, store: string): Journal {
  return new FileJournal(resolve(path), store)
}

class FileJournal implements Journal {
  readonly place: string
  readonly #store: string
  /** The path, with links followed. */
  #target: string
  /** The text of the file; undefined: unknown. */
  #text: string | undefined
  #unlock: (() => void) | undefined

  constructor(place: string, store: string) {
    this.place = place
    this.#store = store
    this.#target = place
  }

  async open(): Promise<JournalFound> {
    let bytes: Uint8Array | null
    try {
      this.#target = await followLinks(this.place)
      await makeDirectory(dirname(this.#target))
      this.#unlock = lockFile(`${this.#target}.lock`, (holder) => this.#inUse(holder))
      await sweepTemporary(dirname(this.#target))
      bytes = await readPoolFile(this.#target)
    } catch (thrown) {
      await this.close()
      throw thrown instanceof PersistError ? thrown : this.#unreadable(thrown)
    }
    if (bytes === null) return { contents: null }
    const text = new TextDecoder().decode(bytes)
    try {
      const contents = decodeJournal(this.#store, text, this.place)
      this.#text = text
      return { contents }
    } catch (damage) {
      return { damage: damage as PersistError }
    }
  }

  keepAside(): Promise<string> {
    return keepCorrupt(this.#target)
  }

  async write(contents: JournalContents): Promise<void> {
    const text = encodeJournal(this.#store, contents)
    if (text === this.#text) return
    const directory = dirname(this.#target)
    const temporary = await writeTemporary(directory, encodeText(text), this.#target, MODE)
    this.#text = undefined
    try {
      await renameFile(temporary, this.#target)
    } finally {
      await removeTemporary(temporary)
    }
    await syncDirectory(directory)
    this.#text = text
  }

  async close(): Promise<void> {
    try {
      this.#unlock?.()
    } catch {
      // A lock that stays no longer counts when this process has ended.
    }
    this.#unlock = undefined
  }

  #unreadable(cause: unknown): PersistError {
    const text = `The journal ${this.place} cannot be opened (${reasonOf(cause)}); the store goes on without it.`
    return new PersistError('ERR_PERSIST_JOURNAL', text, { store: this.#store, cause })
  }

  #inUse(holder: string): PersistError {
    const pid = holder.split(' ')[0] ?? ''
    const who = pid === String(process.pid) ? 'another store of this process' : `the process ${pid}`
    return new PersistError(
      'ERR_PERSIST_LOCKED',
      `The journal ${this.place} is in use by ${who}. Each store needs a journal of its own: close the other, or choose another file.`,
      { store: this.#store, received: holder },
    )
  }
}
