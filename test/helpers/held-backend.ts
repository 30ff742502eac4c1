import type { Backend, BackendListener, EditRequest, Held, Stamp, WriteOutcome } from '../../src/contracts/backend.ts'
import { openersFor } from '../../src/open/open-store.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import { bytesOf, textOf } from './bytes.ts'

/** A write that the store is waiting for. */
export interface PendingWrite {
  readonly text: string
  readonly stamp: Stamp | undefined
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
  /** What landed last. */
  text: string | null
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
    this.text = text
    this.auto = auto
  }

  async open(listener: BackendListener): Promise<Held> {
    this.#listener = listener
    return this.held()
  }

  held(): Held {
    return { bytes: this.text === null ? null : bytesOf(this.text), proof: 'exact' }
  }

  write(bytes: Uint8Array, limitMs = 0, stamp?: Stamp): Promise<WriteOutcome> {
    const text = new TextDecoder().decode(bytes)
    return new Promise((resolve, reject) => {
      const write: PendingWrite = {
        text,
        stamp,
        limitMs,
        land: (outcome = 'written') => {
          if (outcome === 'written') this.text = text
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
  foreign(written: string | Uint8Array | null, stamp?: Stamp): void {
    const bytes = typeof written === 'string' ? bytesOf(written) : written
    this.text = textOf(bytes)
    this.#listener.tell({ kind: 'held', how: 'written', bytes, stamp })
  }

  /** The backend looks again, and another pool is held than it had told. */
  reread(text: string | null, stamp?: Stamp): void {
    this.text = text
    this.#listener.tell({ kind: 'held', how: 'found', bytes: this.held().bytes, stamp })
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
  online(text: string | null = this.text, facts: Partial<Held> = {}): void {
    this.text = text
    this.#listener.tell({ kind: 'online', held: { ...this.held(), ...facts } })
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
