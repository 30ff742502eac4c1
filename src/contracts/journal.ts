import type { PersistError } from '../runtime/errors.ts'

/** One variable whose newest value the backend is not known to hold. All texts are JSON; undefined: no such variable. */
export interface JournalEntry {
  /** What this program has. */
  readonly text: string | undefined
  /** What the backend was last known to hold. */
  readonly base: string | undefined
  /** What the store wrote since then without a confirmation: the backend may hold one of these, written by no other writer. */
  readonly sent: readonly (string | undefined)[]
}

/** Something else was held than before. */
export interface JournalStep {
  /** The name of what was held until then. */
  readonly from: string
  /** What that had otherwise, as JSON texts; undefined: it had no such variable. */
  readonly before: ReadonlyMap<string, string | undefined>
}

/** What the backend held last, one revision after the other, as far as the store knew. */
export interface JournalRevisions {
  /** The name of what was held. */
  readonly held: string
  /** The oldest comes first. */
  readonly steps: readonly JournalStep[]
  /** From writes that nobody has confirmed back to what was held. */
  readonly sent: readonly JournalStep[]
}

export interface JournalContents {
  readonly entries: ReadonlyMap<string, JournalEntry>
  /** A journal of an older version has none. */
  readonly revisions?: JournalRevisions | undefined
  /** Did the program close the store? Else it was killed. */
  readonly clean: boolean
}

/**
 * Keeps what a store saved and its backend has not confirmed, and what that held last, on the machine of the program.
 *
 * `backends/file/file-journal.ts` implements it.
 */
export interface Journal {
  /** Where the journal is, for people. */
  readonly place: string
  /**
   * Makes this process the journal's only user, and reads it without a change. The store calls it once.
   *
   * @throws {PersistError} ERR_PERSIST_LOCKED: another process uses the journal; ERR_PERSIST_JOURNAL: it cannot be read
   */
  open(): Promise<JournalFound>
  /** Keeps a copy of a damaged journal under another name; resolves with that name. */
  keepAside(): Promise<string>
  /** Replaces the contents; resolves when they are on disk. The store has one write at a time. */
  write(contents: JournalContents): Promise<void>
  /** Leaves the journal to other processes; never rejects. */
  close(): Promise<void>
}

/** The contents (null: there are none), or why what is there is no journal of this store. */
export type JournalFound = { readonly contents: JournalContents | null } | { readonly damage: PersistError }

export type JournalMaker = () => Promise<Journal>
