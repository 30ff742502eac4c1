import type { Backend, BackendListener, Held, News } from '../contracts/backend.ts'
import { type Deferred, deferred } from '../runtime/promises.ts'
import { check, checkEqual, inTime } from './assertions.ts'
import type { ConformancePlace } from './conformance-options.ts'

/** A listener that records its calls. */
export class Recorder implements BackendListener {
  /** What was held instead, each time that it was told. */
  readonly changes: (Uint8Array | null)[] = []
  /** What it was told, in that order: 'written', 'found', 'offline'…, and 'requested'. */
  readonly calls: string[] = []
  #next: Deferred<void> = deferred()

  tell(news: News): void {
    if (news.kind === 'held') this.changes.push(news.bytes)
    // A backend may say so of a write under way, or leave it to the outcome.
    if (news.kind !== 'landed') this.#note(news.kind === 'held' ? news.how : news.kind)
  }

  async requested(): Promise<Uint8Array> {
    this.#note('requested')
    return new Uint8Array()
  }

  /** Resolves when it was told of so many changes in all. */
  async changedTimes(times: number, limitMs: number): Promise<void> {
    const what = () => `listener.tell: expected ${times} change(s) of what is held, got ${this.changes.length}`
    const end = performance.now() + limitMs
    while (this.changes.length < times) {
      await inTime(this.#next.promise, Math.max(1, end - performance.now()), what())
    }
  }

  #note(call: string): void {
    this.calls.push(call)
    const told = this.#next
    this.#next = deferred()
    told.resolve()
  }
}

/** An open backend, and its listener. */
export interface Opened {
  readonly backend: Backend
  readonly heard: Recorder
  readonly held: Held
  /** Writes, and fails unless the backend answers 'written' in time. */
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** One place, and the backends that a case opens on it. */
export class Bench {
  readonly place: ConformancePlace
  readonly limitMs: number
  readonly largestBytes: number
  readonly #made: Backend[] = []

  constructor(place: ConformancePlace, limitMs: number, largestBytes: number) {
    this.place = place
    this.limitMs = limitMs
    this.largestBytes = largestBytes
  }

  /** A new backend, which is closed at the latest at the end of the case. */
  backend(): Backend {
    const backend = this.place.backend()
    check(!this.#made.includes(backend), 'place.backend(): it returned the same backend twice')
    this.#made.push(backend)
    return backend
  }

  async open(): Promise<Opened> {
    const backend = this.backend()
    const heard = new Recorder()
    const held = await this.inTime(backend.open(heard, this.limitMs), 'open()')
    return {
      backend,
      heard,
      held,
      write: async (bytes) => {
        const outcome = await this.inTime(backend.write(bytes, this.limitMs), 'write()')
        checkEqual(outcome, 'written', 'write() with nobody else writing')
      },
      close: () => this.inTime(backend.close(), 'close()'),
    }
  }

  /** The bytes that another, later backend finds. */
  async held(): Promise<Uint8Array | null> {
    const { held, close } = await this.open()
    await close()
    return held.bytes
  }

  /** Rejects if a promise does not settle within the limit. */
  inTime<Value>(promise: Promise<Value>, what: string): Promise<Value> {
    // A little later than the limit of the backend, whose own error says more.
    return inTime(promise, this.limitMs * 1.125, what)
  }

  async end(): Promise<void> {
    for (const backend of this.#made) await this.inTime(backend.close(), 'close() after the case')
  }
}
