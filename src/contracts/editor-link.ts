import type { EditRequest } from './backend.ts'

/** An editor's way to the owner of a pool: types and docs only. */
export interface EditorLink {
  /** Name and place, for messages. */
  readonly label: string

  /** A store is known to own the pool at this moment. */
  readonly isOwned: boolean

  /**
   * Asks the owner, and resolves with its answer, as JSON; 'nobody' where nobody owns the pool now, and nothing was sent.
   *
   * @param limitMs how long an answer is waited for, in milliseconds
   * @throws {PersistError} ERR_PERSIST_NO_ANSWER; ERR_PERSIST_CONNECT, _DENIED, _TIMEOUT where the broker cannot be asked
   */
  ask(request: Omit<EditRequest, 'isAnswered'>, limitMs: number): Promise<Uint8Array | 'nobody'>

  /** Lets go; never rejects. */
  close(): Promise<void>
}
