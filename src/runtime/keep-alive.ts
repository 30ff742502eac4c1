/** The longest time that setInterval takes, in milliseconds. */
const FOREVER_MS = 2 ** 31 - 1

/**
 * Keeps a Node process alive while there is a reason, such as a call that waits for the backend.
 *
 * Sockets and timers of a store do not keep it alive: a program with nothing left to do ends, and its store saves.
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
    if (this.#reasons.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Lets a Node process end though a timer is set; does nothing in browsers, where a timer is a number. */
export function unref(timer: unknown): void {
  ;(timer as { unref?: () => void } | undefined)?.unref?.()
}

/** A timer that does not keep a Node process alive. */
export function unreferencedTimeout(fn: () => void, ms: number): unknown {
  const timer: unknown = setTimeout(fn, ms)
  unref(timer)
  return timer
}
