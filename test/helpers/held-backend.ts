import type { Backend, BackendListener, Held, Stamp, WriteOutcome } from '../../src/contracts/backend.ts'
import { openersFor } from '../../src/open/open-store.ts'
import { PersistError } from '../../src/runtime/errors.ts'

/** A write that the store is waiting for. */
export interface PendingWrite {
  readonly text: string
  readonly stamp: Stamp | undefined
  /** How long it may take, in milliseconds. */
  readonly limitMs: number
  land(outcome?: WriteOutcome): void
  fail(code: PersistError['code']): void
}

/**
 * A backend whose writes wait until the test lets them land or fail: for interleavings that no broker gives on demand.
 */
export class HeldBackend implements Backend {
  readonly place = 'held'
  readonly writes: PendingWrite[] = []
  /** What landed last. */
  text: string | null
  listener!: BackendListener
  /** The copy that is kept beside it. */
  copy: string | null = null
  /** Every copy that was to be kept, and null for each time that it was to be removed. */
  readonly copies: (string | null)[] = []
  isClosed = false
  /** Do writes land by themselves, a tick later? */
  auto: boolean
  #arrived: (() => void)[] = []

  constructor(text: string | null = null, { auto = true }: { auto?: boolean } = {}) {
    this.text = text
    this.auto = auto
  }

  async open(listener: BackendListener): Promise<Held> {
    this.listener = listener
    return this.held()
  }

  held(text: string | null = this.text): Held {
    return { bytes: text === null ? null : bytesOf(text), proof: 'exact' }
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
  foreign(text: string | null, stamp?: Stamp): void {
    this.text = text
    this.listener.changed(text === null ? null : bytesOf(text), stamp)
  }

  /** Looked at again, this is what is held. */
  reread(text: string | null): void {
    this.text = text
    this.listener.reread(text === null ? null : bytesOf(text))
  }

  /** The link breaks; what becomes of a write that is under way is for the test to say. */
  offline(error: PersistError = new PersistError('ERR_PERSIST_CONNECT', 'gone on purpose')): void {
    this.listener.offline(error)
  }

  /** The link is back, and this is held now. */
  online(text: string | null = this.text, facts: Pick<Held, 'stamp' | 'isLost'> = {}): void {
    this.text = text
    this.listener.online({ ...this.held(), ...facts })
  }

  /** Somebody else owns the pool. */
  ended(error: PersistError): void {
    this.listener.ended(error)
  }

  async keepCopy(bytes: Uint8Array | null): Promise<void> {
    this.copy = bytes && new TextDecoder().decode(bytes)
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

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
