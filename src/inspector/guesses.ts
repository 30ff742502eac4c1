import { type Deferred, deferred, delay } from '../runtime/promises.ts'

/** How long a wrong password takes, in milliseconds: so guessing takes for ever. */
const WRONG_MS = 1000
/** How many guesses of one address may wait for their turn. */
const MOST_WAITING = 5

/** Checks passwords of one address one after the other, and those of others beside them. */
export class Guesses {
  /** Those that wait, by the addresses of which one is being checked. */
  readonly #waiting = new Map<string, Set<Deferred<boolean>>>()

  /**
   * Is it right? `undefined`: too many guesses of that address wait already, or who asked has gone.
   *
   * @param gone aborted when its connection has ended: what waits is then dropped, unchecked
   */
  async check(address: string, gone: AbortSignal, isRight: () => boolean): Promise<boolean | undefined> {
    if (gone.aborted || !(await this.#turn(address, gone))) return undefined
    try {
      if (isRight()) return true
      // Also when it has gone meanwhile: nobody gets around the time by not waiting for the answer.
      await delay(WRONG_MS)
      return false
    } finally {
      this.#next(address)
    }
  }

  /** Whether it comes to be checked. */
  async #turn(address: string, gone: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting.get(address)
    if (waiting === undefined) {
      this.#waiting.set(address, new Set())
      return true
    }
    if (waiting.size >= MOST_WAITING) return false
    const turn = deferred<boolean>()
    const drop = () => {
      waiting.delete(turn)
      turn.resolve(false)
    }
    waiting.add(turn)
    gone.addEventListener('abort', drop, { once: true })
    return turn.promise.finally(() => gone.removeEventListener('abort', drop))
  }

  #next(address: string): void {
    const waiting = this.#waiting.get(address)
    const [turn] = waiting ?? []
    if (waiting === undefined || turn === undefined) {
      this.#waiting.delete(address)
      return
    }
    waiting.delete(turn)
    turn.resolve(true)
  }
}
