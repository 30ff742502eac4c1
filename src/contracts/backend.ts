import type { PersistError } from '../runtime/errors.ts'

/**
 * Where a store keeps its pool. The store uses its backend by these members only; all are required.
 *
 * A backend holds one value: the bytes of one pool, or nothing. It never reads them.
 * `persist-mqtt/testing` has the suite that every backend must pass.
 */
export interface Backend {
  /** Where the pool is, for people, without a password: `mqtt://localhost:1883 stat/garage/PersistMQTT`. */
  readonly place: string

  /**
   * Starts, and finds out what the backend holds. The store calls it once.
   *
   * @param listener gets the news from now on, even before the promise resolves
   * @param limitMs the promise settles within this time, in milliseconds
   * @throws {PersistError} ERR_PERSIST_CONNECT, ERR_PERSIST_DENIED, ERR_PERSIST_TIMEOUT; then it leaves nothing running
   */
  open(listener: BackendListener, limitMs: number): Promise<Held>

  /**
   * Replaces what the backend holds, and resolves when that is certain, not when it was merely sent.
   *
   * The store has one write at a time and never passes an empty array.
   *
   * @param limitMs the promise settles within this time, in milliseconds
   * @throws {PersistError} ERR_PERSIST_CONNECT (the link broke: the listener gets 'offline'), ERR_PERSIST_DENIED,
   * ERR_PERSIST_TOO_LARGE, ERR_PERSIST_TIMEOUT. The backend may then hold the old or the new bytes.
   */
  write(bytes: Uint8Array, limitMs: number): Promise<WriteOutcome>

  /**
   * Keeps one copy of an older pool beside the pool, replacing the copy before, or removes it (null). The copy is for
   * people: no store reads it. Resolves when that is certain.
   *
   * @param limitMs the promise settles within this time, in milliseconds
   * @throws {PersistError} as write()
   */
  keepCopy(bytes: Uint8Array | null, limitMs: number): Promise<void>

  /** Stops, and rejects a write in flight. Resolves within seconds, never rejects; the store may call it twice. */
  close(): Promise<void>
}

/**
 * The outcome of a write. 'written': the backend holds it. 'overwritten': the backend held it, and another writer has
 * written over it since. 'superseded': before its write, or in the place of it, the backend found something else than it
 * had reported; the store decides again. In the last two cases the listener has got the news of what is held instead.
 */
export type WriteOutcome = 'written' | 'overwritten' | 'superseded'

/** What a backend holds, and how sure that is. */
export interface Held {
  /** The pool's bytes; null: there is none, as sure as `proof` is. */
  readonly bytes: Uint8Array | null
  /**
   * 'exact': the backend read the place itself. 'fence': a message to itself came back from the broker, after all that was
   * retained. 'settled': the broker let no such message through, and nothing arrived for a while.
   */
  readonly proof: 'exact' | 'fence' | 'settled'
  /** The largest pool that the backend can write, in bytes, where it knows a limit. */
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
  /** Does the editor wait for the answer? */
  readonly isAnswered: boolean
}

/** What a backend tells its store unasked. */
export type News =
  /**
   * The backend holds something else (null: nothing) than the store knows of. 'written': another writer has just written
   * or deleted it; never for the store's own writes. 'found': the backend has read it again. Where writers race, some
   * brokers keep another message than the one that they forwarded last, perhaps an older write of the store itself.
   */
  | {
      readonly kind: 'held'
      readonly how: 'written' | 'found'
      readonly bytes: Uint8Array | null
    }
  /** The write under way has been held, if it still is not certain for how long: all other news came after it. */
  | { readonly kind: 'landed' }
  /** The link is gone; the backend tries to get it back until `close`. */
  | { readonly kind: 'offline'; readonly error: PersistError }
  /** The link is back, and this is what is held now. */
  | { readonly kind: 'online'; readonly held: Held }
  /** Something failed that no promise reports, and the backend goes on: with opening too, if it is still at that. */
  | { readonly kind: 'trouble'; readonly error: PersistError }
  /** The backend has given up the pool, and writes no more: ERR_PERSIST_TAKEN_OVER. These are its last news. */
  | { readonly kind: 'ended'; readonly error: PersistError }

/** The store, as its backend sees it. */
export interface BackendListener {
  /** The backend calls it in the order of what happened. */
  tell(news: News): void
  /**
   * An editor asks for a change. The backend calls it in the order in which editors ask.
   *
   * Resolves when the change is saved or refused, with the answer for the editor as JSON: `{"ok":true}`, for 'increment'
   * with `values`, or `{"ok":false,"error":{"code","message"}}`. Never rejects.
   */
  requested(request: EditRequest): Promise<Uint8Array>
}
