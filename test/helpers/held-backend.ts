import type { Backend, BackendListener, EditRequest, Held, WriteOutcome } from '../../src/contracts/backend.ts'
import { openersFor } from '../../src/open/open-store.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import { bytesOf, textOf, withoutRevision } from './bytes.ts'

/** A write that the store is waiting for. */
export interface PendingWrite {
  /** Without its revision. */
  readonly text: string
  /** As it is written. */
  readonly payload: string
  /** How long it may take, in milliseconds. */
  readonly limitMs: number
  land(outcome?: WriteOutcome): void
  fail(code: PersistError['code']): void
}

export interface EditAnswer {
  readonly ok: boolean
  readonly values?: object
  readonly error?: { readonly code: string; readonly message: string }
}

/**
 * A backend whose writes wait until the test lets them land or fail: for interleavings that no broker gives on demand.
 */
export class HeldBackend implements Backend {
  readonly place = 'held'
  readonly writes: PendingWrite[] = []
  /** What landed last, with its revision. */
  payload: string | null
  /** The copy that is kept beside it. */
  copy: string | null = null
  /** Every copy that was to be kept, and null for each time that it was to be removed. */
  readonly copies: (string | null)[] = []
  isClosed = false
  /** Do writes land by themselves, a tick later? */
  auto: boolean
  #listener!: BackendListener
  #arrived: (() => void)[] = []

  constructor(text: string | null = null, { auto = true }: { auto?: boolean } = {}) {
    this.payload = text
    this.auto = auto
  }

  /** What landed last, without its revision. */
  get text(): string | null {
    return this.payload === null ? null : withoutRevision(this.payload)
  }

  async open(listener: BackendListener): Promise<Held> {
    this.#listener = listener
    return this.held()
  }

  held(): Held {
    return { bytes: this.payload === null ? null : bytesOf(this.payload), proof: 'exact' }
  }

  write(bytes: Uint8Array, limitMs = 0): Promise<WriteOutcome> {
    const payload = new TextDecoder().decode(bytes)
    return new Promise((resolve, reject) => {
      let isOver = false
      const write: PendingWrite = {
        text: withoutRevision(payload),
        payload,
        limitMs,
        land: (outcome = 'written') => {
          if (outcome === 'written' && !isOver) this.payload = payload
          isOver = true
          resolve(outcome)
        },
        fail: (code) => reject(new PersistError(code, `failed on purpose with ${code}`)),
      }
      this.writes.push(write)
      if (this.auto) queueMicrotask(() => write.land())
      for (const tell of this.#arrived.splice(0)) tell()
    })
  }

  /** Resolves with the n-th write (from 1) when it has come. */
  async nth(n: number): Promise<PendingWrite> {
    while (this.writes.length < n) await new Promise<void>((resolve) => this.#arrived.push(resolve))
    return this.writes[n - 1] as PendingWrite
  }

  /** Somebody else writes. */
  foreign(written: string | Uint8Array | null): void {
    const bytes = typeof written === 'string' ? bytesOf(written) : written
    this.payload = textOf(bytes)
    this.#listener.tell({ kind: 'held', how: 'written', bytes })
  }

  /** The write in flight comes back. */
  landed(): void {
    this.#listener.tell({ kind: 'landed' })
  }

  /** The backend looks again, and another pool is held than it had told. */
  reread(payload: string | null): void {
    this.payload = payload
    this.#listener.tell({ kind: 'held', how: 'found', bytes: this.held().bytes })
  }

  /** An editor asks for a change, and has the answer. */
  async request(kind: EditRequest['kind'], asked: string | Uint8Array, isAnswered = true): Promise<EditAnswer> {
    const bytes = typeof asked === 'string' ? bytesOf(asked) : asked
    return JSON.parse(new TextDecoder().decode(await this.#listener.requested({ kind, bytes, isAnswered })))
  }

  /** The link is lost. */
  offline(error: PersistError = new PersistError('ERR_PERSIST_CONNECT', 'lost on purpose')): void {
    this.#listener.tell({ kind: 'offline', error })
  }

  /** The link is back, and this is held. */
  online(payload: string | null = this.payload): void {
    this.payload = payload
    this.#listener.tell({ kind: 'online', held: this.held() })
  }

  /** Another owner has taken the pool over. */
  ended(error: PersistError = new PersistError('ERR_PERSIST_TAKEN_OVER', 'taken over on purpose')): void {
    this.#listener.tell({ kind: 'ended', error })
  }

  async keepCopy(bytes: Uint8Array | null): Promise<void> {
    this.copy = textOf(bytes)
    this.copies.push(this.copy)
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** The functions that open stores on this backend. */
  get openers(): ReturnType<typeof openersFor> {
    return openersFor(() => this)
  }
}
