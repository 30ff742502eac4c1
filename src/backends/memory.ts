import type { Backend, BackendListener, Held, WriteOutcome } from '../contracts/backend.ts'
import { copyOf } from '../format/bytes.ts'
import { PersistError } from '../runtime/errors.ts'

/** One pool in this process's memory; several backends may share it, one after the other or at once. */
export interface MemoryPlace {
  /** A copy of the pool's bytes; null: there is no pool. */
  readonly bytes: Uint8Array | null
  /** A copy of the bytes that were kept before a migration; null: there are none. */
  readonly copy: Uint8Array | null
  /** Replaces the pool, or deletes it (null), as another program would: all backends on the place notice it. */
  replace(bytes: Uint8Array | null): void
  /** Replaces the bytes kept before a migration, or removes them (null). */
  keepCopy(bytes: Uint8Array | null): void
  /** Calls a function with a copy of the pool's bytes at each change; the result ends that. */
  subscribe(heard: (bytes: Uint8Array | null) => void): () => void
}

/** A new place without a pool. */
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
 * Keeps a pool in memory, as long as the program has the place.
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
  /** Foreign writes that the listener does not know yet. */
  readonly #inbox: (Uint8Array | null)[] = []
  #isWriting = false

  constructor(at: MemoryPlace) {
    this.#at = at
  }

  async open(listener: BackendListener): Promise<Held> {
    this.#listener = listener
    this.#unsubscribe = this.#at.subscribe((bytes) => {
      if (this.#isWriting) return
      // In a microtask: else a listener that answers with a write would do so before the other backends got this one.
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
