/** The longest time that setInterval takes, in milliseconds. */
const FOREVER_MS = 2 ** 31 - 1

/**
 * Keeps a Node process alive while somebody waits for something that only the backend can bring.
 *
 * Sockets and timers of a store do not, so that a program which has nothing left to do ends, and is saved.
 */
export class KeepAlive {
  readonly #reasons = new Set<unknown>()
  #timer: ReturnType<typeof setInterval> | undefined

  hold(reason: unknown): void {
    this.#reasons.add(reason)
    this.#timer ??= setInterval(() => {}, FOREVER_MS)
  }

  release(reason: unknown): void {
    this.#reasons.delete(reason)
    if (this.#reasons.size === 0) this.releaseAll()
  }

  releaseAll(): void {
    this.#reasons.clear()
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Lets a Node process end though this timer is set; in a browser a timer is a number, and nothing happens. */
export function unref(timer: unknown): void {
  ;(timer as { unref?: () => void } | undefined)?.unref?.()
}
