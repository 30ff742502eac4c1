import type { PersistError } from '../runtime/errors.ts'

/**
 * Where a pool is kept. The store knows its backend by these members only; all are required.
 *
 * A backend holds one value: the bytes of one pool, or nothing. It never looks into them.
 * `persist-mqtt/testing` has the suite that every backend must pass, one of your own too.
 */
export interface Backend {
  /** Where the pool is, for people: `mqtt://localhost:1883 stat/garage/PersistMQTT`. Holds no password. */
  readonly place: string

  /**
   * Starts, and finds out what is held. Called once.
   *
   * @param listener what to tell from now on; may be called before the promise resolves
   * @param limitMs the promise settles within this time, in milliseconds
   * @throws {PersistError} ERR_PERSIST_CONNECT, ERR_PERSIST_DENIED, ERR_PERSIST_TIMEOUT: nothing is left running then
   */
  open(listener: BackendListener, limitMs: number): Promise<Held>

  /**
   * Replaces what is held, and resolves when that is certain, not when it was merely sent.
   *
   * The store has one write at a time and never passes an empty array.
   *
   * @param limitMs the promise settles within this time, in milliseconds
   * @param stamp to be kept and told with the bytes, where there is a place for it
   * @throws {PersistError} ERR_PERSIST_CONNECT (the link went: the listener hears 'offline'), ERR_PERSIST_DENIED,
   * ERR_PERSIST_TOO_LARGE, ERR_PERSIST_TIMEOUT. What is held may then be the old or the new bytes.
   */
  write(bytes: Uint8Array, limitMs: number, stamp?: Stamp): Promise<WriteOutcome>

  /**
   * Keeps a copy of an older pool beside the pool, in the place of the copy before, or removes it (null). It is for
   * people: no store reads it. Resolves when that is certain.
   *
   * @param limitMs the promise settles within this time, in milliseconds
   * @throws {PersistError} as write()
   */
  keepCopy(bytes: Uint8Array | null, limitMs: number): Promise<void>

  /** Lets go of everything; a write in flight is rejected. Resolves within seconds, never rejects, may be called twice. */
  close(): Promise<void>
}

/**
 * What became of a write: 'written', it is what is held. 'overwritten': it was held, and somebody else has written over
 * it since. 'superseded': something else is held than the backend had reported, found before it wrote anything, or in
 * the place of what it wrote; the store decides again. The listener has been told what is held instead.
 */
export type WriteOutcome = 'written' | 'overwritten' | 'superseded'

/**
 * What a writer says about its write, beside the bytes.
 *
 * A pool is written as a whole; this tells what of it its writer had seen, and what it only carried along.
 */
export interface Stamp {
  /** Different for each store that is opened. */
  readonly writer: string
  /** How many writes of this writer there were, this one included. */
  readonly revision: number
  /** The last write that its writer knew, as `<writer>.<revision>`, where that said who wrote it. */
  readonly base?: string
}

/** What is held at a backend, and what is known about that. */
export interface Held {
  /** The pool's bytes; null: there is none, for certain as far as `proof` goes. */
  readonly bytes: Uint8Array | null
  /** What its writer said of it, where there is a place for that. */
  readonly stamp?: Stamp | undefined
  /**
   * 'exact': the place itself was looked at. 'fence': a broker's own echo followed whatever it had retained.
   * 'settled': the broker let no fence through, and nothing arrived for a while.
   */
  readonly proof: 'exact' | 'fence' | 'settled'
  /** The place has lost what it held since it was last looked at, and what is there now was written after that. */
  readonly isLost?: boolean | undefined
  /** The largest pool that can be written, in bytes, where the backend knows one. */
  readonly limitBytes?: number
  /** MQTT only: the protocol in use, 4 (MQTT 3.1.1) or 5. */
  readonly protocolVersion?: 4 | 5
}

/** What an editor asks the owner of a pool for. */
export interface EditRequest {
  /**
   * What to do with the JSON object in `bytes`. 'patch': it is a merge patch of the pool (RFC 7396). 'increment': numbers
   * to add. 'assign': variables as they are to be, null is a value. 'replace': the same, and all others are removed.
   */
  readonly kind: 'patch' | 'increment' | 'assign' | 'replace'
  readonly bytes: Uint8Array
  /** Somebody waits for the answer. */
  readonly isAnswered: boolean
}

/** What a backend tells its store without being asked. */
export type News =
  /**
   * Something else is held (null: nothing) than the store knows of. 'written': somebody else has just written it, or
   * deleted what was held; never told of the store's own writes. 'found': the backend has looked again and found it. Where
   * writers race, some brokers keep another message than the one that they forwarded last, perhaps an older write of the
   * store itself.
   */
  | {
      readonly kind: 'held'
      readonly how: 'written' | 'found'
      readonly bytes: Uint8Array | null
      readonly stamp?: Stamp | undefined
    }
  /** The link is gone; the backend goes on trying to get it back, until `close`. */
  | { readonly kind: 'offline'; readonly error: PersistError }
  /** The link is back, and this is what is held now. */
  | { readonly kind: 'online'; readonly held: Held }
  /** Something went wrong that no promise reports, and that does not end the work. */
  | { readonly kind: 'trouble'; readonly error: PersistError }
  /** The backend comes back no more, and writes nothing any more: ERR_PERSIST_TAKEN_OVER. The last news of all. */
  | { readonly kind: 'ended'; readonly error: PersistError }

/** Whom a backend tells: its store. */
export interface BackendListener {
  /** Called in the order of what happened. */
  tell(news: News): void
  /**
   * An editor asks for a change. Called in the order in which editors ask.
   *
   * Resolves with the answer for the editor as JSON, `{"ok":true}` or `{"ok":false,"error":{"code","message"}}`, when
   * the change is saved, or refused. Never rejects.
   */
  requested(request: EditRequest): Promise<Uint8Array>
}
