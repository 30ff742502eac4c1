import type { KeepAlive } from '../runtime/keep-alive.ts'
import { deferred } from '../runtime/promises.ts'

/** Whether the variables are here, for those who wait for them. */
export class Readiness {
  readonly #ready = deferred<void>()
  readonly #keepAlive: KeepAlive

  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive
  }

  /** The variables are here. */
  reached(): void {
    this.#ready.resolve()
  }

  /** They never will be; or, when they have been, nothing happens. */
  missed(error: unknown): void {
    this.#ready.reject(error)
  }

  /** Runs a function in a later tick, once the variables are here; keeps the process alive until then. */
  exec<Result>(fn: () => Result): Promise<Awaited<Result>> {
    const waiting = {}
    this.#keepAlive.hold(waiting)
    const ready = this.#ready.promise.finally(() => this.#keepAlive.release(waiting))
    const result = ready.then(fn) as Promise<Awaited<Result>>
    // What fn throws is its caller's; that the store was never ready is an 'error' event already.
    this.#ready.promise.catch(() => result.catch(() => {}))
    return result
  }
}
