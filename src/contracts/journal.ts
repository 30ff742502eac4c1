import type { PersistError } from '../runtime/errors.ts'

/** One variable whose newest value the backend is not known to hold. All texts are JSON; undefined: no such variable. */
export interface JournalEntry {
  /** As this program has it. */
  readonly text: string | undefined
  /** As the backend was last known to hold it. */
  readonly base: string | undefined
  /** As it was sent since then without an answer: what the backend holds may be one of these, and is ours then. */
  readonly sent: readonly (string | undefined)[]
}

export interface JournalContents {
  readonly entries: ReadonlyMap<string, JournalEntry>
  /** Was the store closed, in contrast to a program that was killed? */
  readonly clean: boolean
}

/**
 * Where a store notes what it has not been able to bring to its backend: a file of the machine that it runs on.
 *
 * Types only, like the contract of a backend; `backends/file/file-journal.ts` is the one that keeps them.
 */
export interface Journal {
  /** Where it is, for people. */
  readonly place: string
  /**
   * Makes this process its only user, and reads it. Changes nothing in it. Called once.
   *
   * @throws {PersistError} ERR_PERSIST_LOCKED: another process uses it; ERR_PERSIST_JOURNAL: it cannot be read
   */
  open(): Promise<JournalFound>
  /** Keeps what is there under another name, before it is written over; resolves with that. */
  keepAside(): Promise<string>
  /** Replaces the contents; on disk when it resolves. One write at a time. */
  write(contents: JournalContents): Promise<void>
  /** Lets go of it; never rejects. */
  close(): Promise<void>
}

/** What was found: nothing (null), the contents, or something that is no journal of this store, and why. */
export type JournalFound = { readonly contents: JournalContents | null } | { readonly damage: PersistError }

/** Makes the journal of a store. */
export type JournalMaker = () => Promise<Journal>
