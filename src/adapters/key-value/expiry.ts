import type { JsonValue } from '../../format/json.ts'
import { unref } from '../../runtime/keep-alive.ts'

/** The shortest time between two calls, in milliseconds. */
const PAUSE_MS = 1000
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Knows which variables have expired, and calls a function when one that it was asked about does. */
export class Expiry {
  readonly #expiresAt: (variable: JsonValue) => number | undefined
  readonly #call: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Time of the next call, in milliseconds since 1970. */
  #at = Number.POSITIVE_INFINITY

  /** @param expiresAt in milliseconds since 1970; undefined: never */
  constructor(expiresAt: (variable: JsonValue) => number | undefined, call: () => void) {
    this.#expiresAt = expiresAt
    this.#call = call
  }

  isOver(variable: JsonValue): boolean {
    const at = this.#expiresAt(variable) ?? Number.POSITIVE_INFINITY
    if (at < this.#at) this.#callAt(at)
    return at <= Date.now()
  }

  /** Stops calling, until isOver() is asked again. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#at = Number.POSITIVE_INFINITY
  }

  #callAt(at: number): void {
    this.stop()
    this.#at = at
    const waitMs = Math.min(Math.max(at - Date.now(), PAUSE_MS), LONGEST_TIMER_MS)
    this.#timer = setTimeout(() => {
      this.stop()
      this.#call()
    }, waitMs)
    // A program with nothing else to do may end.
    unref(this.#timer)
  }
}
