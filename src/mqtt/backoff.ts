/** The longest first pause, in milliseconds: most lost links work again at once. */
const FIRST_PAUSE_MS = 250

/** The longest pause of all, in milliseconds: a broker that was away for a day is found again in half a minute. */
export const LAST_PAUSE_MS = 30_000

/** Pauses between attempts to connect: each may be twice as long as the one before. */
export class Backoff {
  #longestMs = FIRST_PAUSE_MS

  /**
   * The next pause, in milliseconds: random from nothing on ("full jitter"), so that the clients of a broker that was
   * restarted do not come all at once.
   */
  next(): number {
    const longestMs = this.#longestMs
    this.#longestMs = Math.min(2 * longestMs, LAST_PAUSE_MS)
    return Math.random() * longestMs
  }

  /** All is well: pauses are short again. */
  reset(): void {
    this.#longestMs = FIRST_PAUSE_MS
  }

  /** It will hardly heal by itself: pauses are long from now on. */
  slowDown(): void {
    this.#longestMs = LAST_PAUSE_MS
  }
}
