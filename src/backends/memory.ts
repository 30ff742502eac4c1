import type { Backend, BackendListener, Held, WriteOutcome } from '../contracts/backend.ts'
import { copyOf } from '../format/bytes.ts'
import { PersistError } from '../runtime/errors.ts'

/** A place in this process's memory that holds one pool; several backends may share it, in turn or at once. */
export interface MemoryPlace {
  /** A copy of what is held; null: nothing. */
  readonly bytes: Uint8Array | null
  /** A copy of what is kept beside it: the pool of an older program; null: nothing. */
  readonly copy: Uint8Array | null
  /** Replaces what is held (null: deletes it), as another program would: every backend on the place hears of it. */
  replace(bytes: Uint8Array | null): void
  /** Replaces what is kept beside it, or removes it (null). */
  keepCopy(bytes: Uint8Array | null): void
  /** Calls a function with a copy of whatever is held from now on; returns how to end that. */
  subscribe(heard: (bytes: Uint8Array | null) => void): () => void
}

/** A new place that holds nothing. */
export function memoryPlace(): MemoryPlace {
  let held: Uint8Array | null = null
  let kept: Uint8Array | null = null
  const subscribers = new Set<(bytes: Uint8Array | null) => void>()
  return {
    get bytes() {
      return copyOf(held)
    },
    get copy() {
      return copyOf(kept)
    },
    keepCopy(bytes) {
      kept = copyOf(bytes)
    },
    replace(bytes) {
      held = copyOf(bytes)
      for (const heard of subscribers) heard(copyOf(held))
    },
    subscribe(heard) {
      subscribers.add(heard)
      return () => void subscribers.delete(heard)
    },
  }
}

/**
 * Keeps a pool in memory, as long as somebody holds the place.
 *
 * For tests of programs that use a store: `place.replace()` is what another program would do to their pool.
 *
 * @example
 * const place = memoryPlace()
 * const pt = await openStore({ backend: memoryBackend(place) })
 */
export function memoryBackend(at: MemoryPlace = memoryPlace()): Backend {
  return new MemoryBackend(at)
}

class MemoryBackend implements Backend {
  readonly place = 'memory'
  readonly #at: MemoryPlace
  #listener: BackendListener | undefined
  #unsubscribe = () => {}
  /** What others wrote, and the listener was not told yet. */
  readonly #inbox: (Uint8Array | null)[] = []
  #isWriting = false

  constructor(at: MemoryPlace) {
    this.#at = at
  }

  async open(listener: BackendListener): Promise<Held> {
    this.#listener = listener
    this.#unsubscribe = this.#at.subscribe((bytes) => {
      if (this.#isWriting) return
      // In a microtask: a listener that answers with a write must not overtake the news that others are still to get.
      if (this.#inbox.push(bytes) === 1) queueMicrotask(() => this.#deliver())
    })
    return { bytes: this.#at.bytes, proof: 'exact' }
  }

  async write(bytes: Uint8Array): Promise<WriteOutcome> {
    this.#assertOpen()
    if (this.#inbox.length > 0) {
      this.#deliver()
      return 'superseded'
    }
    this.#isWriting = true
    this.#at.replace(bytes)
    this.#isWriting = false
    return 'written'
  }

  async keepCopy(bytes: Uint8Array | null): Promise<void> {
    this.#assertOpen()
    this.#at.keepCopy(bytes)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#inbox.length = 0
    this.#listener = undefined
  }

  #assertOpen(): void {
    if (this.#listener !== undefined) return
    throw new PersistError('ERR_PERSIST_CLOSED', 'The memory backend is not open.', { store: this.place })
  }

  #deliver(): void {
    // One by one: the listener may write in between, which delivers the rest, and may close.
    while (this.#inbox.length > 0) {
      const bytes = this.#inbox.shift() as Uint8Array | null
      this.#listener?.tell({ kind: 'held', how: 'written', bytes })
    }
  }
}
