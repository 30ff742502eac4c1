import type { Journal, JournalEntry, JournalMaker, JournalRevisions, JournalStep } from '../contracts/journal.ts'
import { type JsonObject, ownValue, put, sameJson } from '../format/json.ts'
import type { Payload } from '../format/payload.ts'
import { lastRevisions, stepsTo } from '../merge/journaled-revisions.ts'
import { type Recovered, recovered } from '../merge/recovery.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { within } from '../runtime/promises.ts'
import type { Recovery, StoreContext, StoreJournal } from './context.ts'

/** How long a save waits for the local disk, in milliseconds: a stuck disk must not keep it from the backend. */
const LIMIT_MS = 2000
/** How long after a confirmation the store clears the journal, in milliseconds: in a run of saves the next note does it. */
const CLEAR_AFTER_MS = 50

/**
 * Notes what the program saved and the backend has not confirmed, so that a killed program finds it when it starts again.
 *
 * Whatever goes wrong with the journal is an 'error' event, and the store works without it. The one exception is a
 * journal that another process has in use.
 */
export class Journaling implements StoreJournal {
  /** How the last program with this journal ended; undefined: there was none, or its journal cannot be read. */
  #lastExit: 'clean' | 'crash' | undefined
  /** What the file had of them when it was found. */
  #revisions: JournalRevisions | undefined
  readonly #context: StoreContext
  readonly #make: JournalMaker
  #journal: Journal | undefined
  #opening: Promise<void> | undefined
  /** What the file has, or will have when the write in flight is done. */
  #noted: ReadonlyMap<string, JournalEntry> = new Map()
  /** Why the file that was found cannot be used; the store keeps that file under another name before its first write. */
  #damage: PersistError | undefined
  #clean = false
  #isBegun = false
  #isFailing = false
  #isStuck = false
  /** The write in flight, and the next one, which has all that is noted until it begins. */
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #clearing: ReturnType<typeof setTimeout> | undefined

  constructor(context: StoreContext, make: JournalMaker) {
    this.#context = context
    this.#make = make
  }

  /**
   * Reads the journal and marks it as in use; resolves with how the last program ended, where the journal tells.
   *
   * @throws {PersistError} ERR_PERSIST_LOCKED
   */
  async open(): Promise<'clean' | 'crash' | undefined> {
    this.#opening ??= this.#open()
    await this.#opening
    return this.#lastExit
  }

  async #open(): Promise<void> {
    try {
      const journal = await this.#make()
      const found = await journal.open()
      this.#journal = journal
      if ('damage' in found) {
        this.#damage = found.damage
      } else if (found.contents !== null) {
        this.#noted = found.contents.entries
        this.#revisions = found.contents.revisions
        this.#lastExit = found.contents.clean ? 'clean' : 'crash'
      }
    } catch (thrown) {
      const error = asPersistError(thrown, this.#context.storeName, 'given its journal')
      if (error.code === 'ERR_PERSIST_LOCKED') throw error
      this.#damage = error
    }
    // A damaged file stays where it is until the program can listen to errors.
    if (this.#damage === undefined) await this.#write()
  }

  /**
   * The pool's values, merged with what the last program could not save. They have the pool's version, since that program
   * wrote the pool too.
   */
  recover(pool: Payload): Recovery {
    const found: [name: string, outcome: Recovered][] = []
    if (this.#noted.size === 0) return { values: pool.values, isNeeded: false, tell: () => this.#tell(found) }
    const { options, storeName } = this.#context
    const values: JsonObject = { ...pool.values }
    for (const [name, entry] of this.#noted) {
      const outcome = recovered(name, entry, pool, { onConflict: options.onConflict, storeName })
      found.push([name, outcome])
      if (outcome.value === undefined) delete values[name]
      else put(values, name, outcome.value)
    }
    const isNeeded = found.some(([name, { value }]) => !sameJson(value, ownValue(pool.values, name)))
    return { values, isNeeded, tell: () => this.#tell(found) }
  }

  stepsTo(pool: string): readonly JournalStep[] {
    return this.#revisions === undefined ? [] : stepsTo(pool, this.#revisions)
  }

  /** The store is open. */
  begin({ tell }: Recovery): void {
    this.#isBegun = true
    this.#revisions = undefined
    this.review()
    // Later, so that a program that awaits the store can listen first.
    setTimeout(tell, 0)
  }

  /** Notes all that is not confirmed as it is now; resolves when that is on disk, or cannot get there. Never rejects. */
  note(): Promise<void> {
    if (this.#journal === undefined || this.#isStuck) return Promise.resolve()
    // Calls while a write waits for its turn get the promise of that write: a run of saves is one write.
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      this.#noted = this.#collect()
      this.#writing = this.#write()
      return this.#writing
    })
    return this.#next
  }

  /** The store learned what the backend holds: forgets what needs no recovery any more. */
  review(): void {
    const { unsaved } = this.#context
    const left = new Map<string, JournalEntry>()
    for (const [name, entry] of this.#noted) {
      const base = unsaved.confirmedText(name)
      // Another writer's value is held: what the store made of it counts now.
      const isOurs = base === entry.base || base === entry.text
      const text = isOurs ? entry.text : unsaved.text(name)
      const again = this.#entryOf(name, text)
      // A write in flight may still land, even over a confirmed value.
      if (again !== undefined) left.set(name, again)
    }
    this.#noted = left
    this.#clearing ??= setTimeout(() => this.#clear(), CLEAR_AFTER_MS)
    unref(this.#clearing)
  }

  /** The program starts an empty pool: nothing is to come back. */
  forget(): void {
    this.#noted = new Map()
  }

  /** Leaves the journal to the next program, with what this one could not save. */
  async close(): Promise<void> {
    clearTimeout(this.#clearing)
    await this.#opening?.catch(() => {})
    await this.#next
    await this.#writing
    // A store that never got its variables leaves the note of how the last program ended as it was.
    this.#clean = this.#isBegun || this.#lastExit !== 'crash'
    if (this.#damage === undefined || this.#isBegun) await this.#write()
    await this.#journal?.close()
    this.#journal = undefined
  }

  /** Every variable that the backend may hold otherwise: unconfirmed, or sent with another text that may have landed. */
  #collect(): Map<string, JournalEntry> {
    const { unsaved, revisions } = this.#context
    const entries = new Map<string, JournalEntry>()
    const unconfirmed = Array.from(unsaved.variables(), ({ name }) => name)
    for (const name of new Set([...unconfirmed, ...revisions.namesInDoubt()])) {
      const entry = this.#entryOf(name, unsaved.text(name))
      if (entry !== undefined) entries.set(name, entry)
    }
    return entries
  }

  #entryOf(name: string, text: string | undefined): JournalEntry | undefined {
    const { unsaved, revisions } = this.#context
    const confirmed = unsaved.confirmedText(name)
    // Passed on, because the backend lost it or another writer wrote over it: it comes back where that still is so, and is
    // no change of this program.
    const isAgain = unsaved.isPassedOn(name)
    const base = isAgain ? text : confirmed
    const sent = new Set([...revisions.inDoubt(name), ...(isAgain ? [confirmed] : [])])
    for (const known of [text, base]) sent.delete(known)
    return text !== base || sent.size > 0 ? { text, base, sent: [...sent] } : undefined
  }

  /** Clears from the file what was forgotten since it was written; a next write that waits does that too. */
  #clear(): void {
    this.#clearing = undefined
    if (this.#next !== undefined || this.#isStuck) return
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write(): Promise<void> {
    const journal = this.#journal
    if (journal === undefined || this.#isStuck) return
    const { storeName } = this.#context
    const text =
      `The journal ${journal.place} of ${storeName} could not be written within ${LIMIT_MS} ms: ` +
      'its disk, or the network to it, is stuck.'
    const late = () => new PersistError('ERR_PERSIST_JOURNAL', text, { store: storeName })
    let isOver = false
    const written = this.#replace(journal).finally(() => {
      isOver = true
    })
    try {
      await within(written, LIMIT_MS, late)
      this.#isFailing = false
    } catch (thrown) {
      this.#isStuck = !isOver
      if (this.#isStuck) void written.catch(() => {}).then(() => this.#unstick())
      this.#report(thrown, journal)
    }
  }

  async #replace(journal: Journal): Promise<void> {
    const damage = this.#damage
    if (damage !== undefined) {
      const kept = await journal.keepAside()
      this.#damage = undefined
      const text = `${damage.message} It was kept as ${kept}, and a new one begun.`
      this.#context.report(
        new PersistError('ERR_PERSIST_JOURNAL', text, { store: this.#context.storeName, cause: damage }),
      )
    }
    const { unsaved, revisions } = this.#context
    const journaled = () => lastRevisions(revisions.journaled((name) => unsaved.confirmedText(name)))
    const known = this.#isBegun ? journaled() : this.#revisions
    await journal.write({ entries: this.#noted, clean: this.#clean, revisions: known })
  }

  #unstick(): void {
    this.#isStuck = false
    void this.note()
  }

  /** Reports a failing journal once, until it works again: a full disk would fail every save. */
  #report(thrown: unknown, { place }: Journal): void {
    if (this.#isFailing) return
    this.#isFailing = true
    const { storeName } = this.#context
    const { message } = asPersistError(thrown, storeName, 'noted')
    const text =
      `The journal ${place} of ${storeName} could not be written: ${message} ` +
      'Saves go on without it; what is not confirmed is lost if the program is killed.'
    this.#context.report(new PersistError('ERR_PERSIST_JOURNAL', text, { store: storeName, cause: thrown }))
  }

  #tell(found: readonly (readonly [name: string, outcome: Recovered])[]): void {
    const { events, variables, report } = this.#context
    if (this.#journal === undefined && this.#damage !== undefined) report(this.#damage)
    for (const [name, { conflict, error }] of found) {
      if (error !== undefined) report(error)
      if (conflict !== undefined) events.emit('conflict', { name, ...conflict, value: variables.get(name) })
    }
  }
}
