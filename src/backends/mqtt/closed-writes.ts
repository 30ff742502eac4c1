import { Backoff } from '../../mqtt/backoff.ts'
import type { PersistError } from '../../runtime/errors.ts'
import { unreferencedTimeout } from '../../runtime/keep-alive.ts'

/** So many times in a row the broker closed while a write was under way: that is no coincidence any more. */
const CLOSED_EACH_TIME = 3
/** Then a write as large is not sent for so long, in milliseconds, and up to half a minute more where that goes on. */
const PAUSE_MS = 1000

/** The writes at which a broker closes the connection, as some do where a message is too large or not allowed. */
export class ClosedWrites {
  #count = 0
  readonly #pauses = new Backoff()
  #refused: { readonly sizeBytes: number; readonly error: PersistError; readonly end: number } | undefined

  /** It has closed more than once in a row. */
  get isSuspected(): boolean {
    return this.#count > 1
  }

  /** Why a write of that size is not to be sent now: the broker would only close again. */
  refusalOf(sizeBytes: number): PersistError | undefined {
    const refused = this.#refused
    return refused && sizeBytes >= refused.sizeBytes && performance.now() < refused.end ? refused.error : undefined
  }

  written(): void {
    this.#count = 0
    this.#refused = undefined
    this.#pauses.reset()
  }

  /** @returns whether it closes each time */
  closed(): boolean {
    this.#count = (this.#count + 1) % CLOSED_EACH_TIME
    return this.#count === 0
  }

  /**
   * The program has been told: a write as large has to wait now, a smaller one need not.
   *
   * @param over called when the time is over, unless something was written
   */
  refuse(sizeBytes: number, error: PersistError, over: () => void): void {
    const pauseMs = PAUSE_MS + this.#pauses.next()
    const refused = { sizeBytes, error, end: performance.now() + pauseMs }
    this.#refused = refused
    unreferencedTimeout(() => this.#refused === refused && over(), pauseMs)
  }
}
