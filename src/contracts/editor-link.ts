import type { EditRequest } from './backend.ts'

/** An editor's way to the owner of a pool. */
export interface EditorLink {
  /** Name and place, for messages. */
  readonly storeName: string

  /**
   * Asks the owner, and resolves with its answer as JSON; with 'nobody', and asks nothing, where no program owns the pool.
   *
   * @param limitMs how long the editor waits for the answer, in milliseconds
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER; ERR_PERSIST_CONNECT, _DENIED, _TIMEOUT: the link could not ask
   */
  ask(request: Omit<EditRequest, 'isAnswered'>, limitMs: number): Promise<Uint8Array | 'nobody'>

  /**
   * Does a store own the pool by now? For an editor that has just changed the pool itself; connects again where the link broke
   * meanwhile.
   *
   * @param limitMs in milliseconds
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER: the link could not look
   */
  isOwned(limitMs: number): Promise<boolean>

  /** The editor is about to open a store: ends the connection where that one will have the same client id. Never rejects. */
  makeRoom(): Promise<void>

  /**
   * Such a store is open. Where a program owns the pool and seems to be away, makes sure that it is not this editor that
   * keeps it away, because the broker takes several clients for one.
   *
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER: it may be this editor
   */
  assertApart(): Promise<void>

  /** Closes the connection; never rejects. */
  close(): Promise<void>
}
