import { type Deferred, deferred } from '../runtime/promises.ts'

/** What waits for something on one connection, and is rejected when that is over. */
export class Waiting {
  // A set, since a race with the end of the connection would add to that promise as long as the connection lives.
  readonly #all = new Set<Deferred<never>>()
  #reason: Error | undefined

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** A promise that `start` settles, or the end of the connection. */
  until<Value>(start: (done: Deferred<Value>) => void): Promise<Value> {
    const { promise, resolve, reject } = deferred<Value>()
    const done: Deferred<Value> = {
      promise,
      resolve: (value) => {
        this.#all.delete(done as Deferred<never>)
        resolve(value)
      },
      reject: (reason) => {
        this.#all.delete(done as Deferred<never>)
        reject(reason)
      },
    }
    if (this.#reason !== undefined) reject(this.#reason)
    else {
      this.#all.add(done as Deferred<never>)
      try {
        start(done)
      } catch (error) {
        done.reject(error)
      }
    }
    return promise
  }

  /** Rejects all, also what comes from now on. */
  end(reason: Error): void {
    this.#reason = reason
    for (const { reject } of [...this.#all]) reject(reason)
  }
}
