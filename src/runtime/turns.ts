import { type Deferred, deferred, within } from './promises.ts'

/** Lets a number of calls go on at a time; the others wait for their turn, in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting = new Set<Deferred<void>>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /**
   * Calls it when its turn has come, and settles as it does.
   *
   * @param limitMs how long it may wait for its turn, in milliseconds; then it is not called, and the error of `late` is thrown
   */
  async take<Value>(run: () => Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
    if (this.#free > 0) this.#free -= 1
    else await this.#turn(limitMs, late)
    try {
      return await run()
    } finally {
      this.#pass()
    }
  }

  async #turn(limitMs: number, late: () => Error): Promise<void> {
    const turn = deferred<void>()
    this.#waiting.add(turn)
    try {
      await within(turn.promise, limitMs, late)
    } catch (error) {
      // It may have come just then.
      if (!this.#waiting.delete(turn)) this.#pass()
      throw error
    }
  }

  #pass(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free += 1
    else this.#waiting.delete(next)
    next?.resolve()
  }
}
