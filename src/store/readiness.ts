import type { KeepAlive } from '../runtime/keep-alive.ts'
import { deferred } from '../runtime/promises.ts'

/** Has functions wait until the store is open. */
export class Readiness {
  readonly #ready = deferred<void>()
  readonly #keepAlive: KeepAlive

  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive
  }

  reached(): void {
    this.#ready.resolve()
  }

  /** The store will never be open, which is told at once or when `leaving` is settled; does nothing where it has been. */
  missed(error: unknown, leaving?: Promise<unknown>): void {
    void Promise.resolve(leaving).then(() => this.#ready.reject(error))
  }

  /** Runs a function in a later tick, once the store is open; keeps the process alive until then. */
  exec<Result>(fn: () => Result): Promise<Awaited<Result>> {
    const waiting = {}
    this.#keepAlive.hold(waiting)
    const ready = this.#ready.promise.finally(() => this.#keepAlive.release(waiting))
    const result = ready.then(fn) as Promise<Awaited<Result>>
    // The caller handles what fn throws; a store that fails to open has emitted an 'error' event already.
    this.#ready.promise.catch(() => result.catch(() => {}))
    return result
  }
}
