import type { Journal, JournalEntry, JournalMaker } from '../contracts/journal.ts'
import { type JsonObject, ownValue, put, sameJson } from '../format/json.ts'
import type { Payload } from '../format/payload.ts'
import { type Recovered, recovered } from '../merge/recovery.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { within } from '../runtime/promises.ts'
import type { StoreContext } from './context.ts'

/** How long a save waits for the local disk, in milliseconds; one that is stuck must not keep it from the backend. */
const LIMIT_MS = 2000
/** How long after a confirmation the journal is cleared, in milliseconds: in a run of saves the next one does it. */
const CLEAR_AFTER_MS = 50

/** A pool with what a journal adds to it. */
export interface Recovery {
  readonly values: JsonObject
  /** Is it another pool than the one that is held? */
  readonly isNeeded: boolean
  /** Tells what happened on the way; for when somebody can listen. */
  readonly tell: () => void
}

/**
 * Notes what was saved and is not confirmed, so that it is there when the program was killed and is started again.
 *
 * Nothing that goes wrong with it keeps a store from working: that is an 'error' event. The one exception is a journal
 * that another process has in use.
 */
export class Journaling {
  /** How the program that had the journal last ended; undefined: there was none, or its journal cannot be read. */
  #lastExit: 'clean' | 'crash' | undefined
  readonly #context: StoreContext
  readonly #make: JournalMaker
  #journal: Journal | undefined
  #opening: Promise<void> | undefined
  /** What the file has, or will have when what is under way has been written. */
  #noted: ReadonlyMap<string, JournalEntry> = new Map()
  /** Why what was found there cannot be used; kept aside before the first write. */
  #damage: PersistError | undefined
  #clean = false
  #isBegun = false
  #isFailing = false
  #isStuck = false
  /** The write under way, and the one after it, which has all that is noted until it begins. */
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #clearing: ReturnType<typeof setTimeout> | undefined

  constructor(context: StoreContext, make: JournalMaker) {
    this.#context = context
    this.#make = make
  }

  /**
   * Reads the journal, and marks it as in use; resolves with how the last program ended, where that is known.
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
        this.#lastExit = found.contents.clean ? 'clean' : 'crash'
      }
    } catch (thrown) {
      const error = asPersistError(thrown, this.#context.storeName, 'given its journal')
      if (error.code === 'ERR_PERSIST_LOCKED') throw error
      this.#damage = error
    }
    // What is damaged stays where it is until somebody can be told of it.
    if (this.#damage === undefined) await this.#write()
  }

  /**
   * The pool's values with what the last program could not bring there. They are of the version of the pool, since the
   * program that noted them wrote that too.
   */
  recover(pool: Payload): Recovery {
    const found: [name: string, outcome: Recovered][] = []
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

  /** The variables are here. */
  begin({ tell }: Recovery): void {
    this.#isBegun = true
    this.review()
    // Whoever has waited for the store gets to listen first.
    setTimeout(tell, 0)
  }

  /** Notes all that is not confirmed as it is now; resolves when that is on disk, or cannot get there. Never rejects. */
  note(): Promise<void> {
    if (this.#journal === undefined || this.#isStuck) return Promise.resolve()
    // Whoever calls while a write waits for its turn gets its promise: a run of saves is one write.
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      this.#noted = this.#collect()
      this.#writing = this.#write()
      return this.#writing
    })
    return this.#next
  }

  /** What the backend is known to hold has changed: forgets what needs no recovery any more. */
  review(): void {
    const { unsaved } = this.#context
    const left = new Map<string, JournalEntry>()
    for (const [name, entry] of this.#noted) {
      const base = unsaved.confirmedText(name)
      // Somebody else's value in the place of what was held: what the store made of that is what counts now.
      const isOurs = base === entry.base || base === entry.text
      const text = isOurs ? entry.text : unsaved.text(name)
      const again = this.#entryOf(name, text)
      // What is in flight may still land, also over a value that is confirmed.
      if (again !== undefined) left.set(name, again)
    }
    this.#noted = left
    this.#clearing ??= setTimeout(() => this.#clear(), CLEAR_AFTER_MS)
    unref(this.#clearing)
  }

  /** The program wants to begin anew. */
  forget(): void {
    this.#noted = new Map()
  }

  /** Leaves the journal to the next program, with what could not be saved. */
  async close(): Promise<void> {
    clearTimeout(this.#clearing)
    await this.#opening?.catch(() => {})
    await this.#next
    await this.#writing
    // A store that never got its variables has changed nothing about how the last program ended.
    this.#clean = this.#isBegun || this.#lastExit !== 'crash'
    if (this.#damage === undefined || this.#isBegun) await this.#write()
    await this.#journal?.close()
    this.#journal = undefined
  }

  /** All that is not confirmed, or went back to what was while something else had been sent and may have arrived. */
  #collect(): Map<string, JournalEntry> {
    const { unsaved, history } = this.#context
    const entries = new Map<string, JournalEntry>()
    const unconfirmed = Array.from(unsaved.variables(), ({ name }) => name)
    for (const name of new Set([...unconfirmed, ...history.namesInDoubt()])) {
      const entry = this.#entryOf(name, unsaved.text(name))
      if (entry !== undefined) entries.set(name, entry)
    }
    return entries
  }

  #entryOf(name: string, text: string | undefined): JournalEntry | undefined {
    const { unsaved, history } = this.#context
    const confirmed = unsaved.confirmedText(name)
    // Sent again because it was lost, or written over: it is to come back where that still is so, and is no change of ours.
    const isAgain = unsaved.isPassedOn(name)
    const base = isAgain ? text : confirmed
    const sent = new Set([...history.inDoubt(name), ...(isAgain ? [confirmed] : [])])
    for (const known of [text, base]) sent.delete(known)
    return text !== base || sent.size > 0 ? { text, base, sent: [...sent] } : undefined
  }

  /** Brings to the file what was forgotten since it was written; a write that waits for its turn does that too. */
  #clear(): void {
    this.#clearing = undefined
    if (this.#next !== undefined || this.#isStuck) return
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write(): Promise<void> {
    const journal = this.#journal
    if (journal === undefined || this.#isStuck) return
    const { storeName } = this.#context
    const late = () =>
      new PersistError(
        'ERR_PERSIST_JOURNAL',
        `The journal ${journal.place} of ${storeName} could not be written within ${LIMIT_MS} ms: its disk, or the network to it, is stuck.`,
        { store: storeName },
      )
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
    await journal.write({ entries: this.#noted, clean: this.#clean })
  }

  #unstick(): void {
    this.#isStuck = false
    void this.note()
  }

  /** Once, until it works again: a full disk would be told with every save. */
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
