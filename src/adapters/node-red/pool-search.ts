import { openStore, type PersistError, type Store, type StoreOptions } from '../../index.ts'
import { type Deferred, deferred, pause } from '../../runtime/promises.ts'

const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 10_000

/** Tries to open a pool until its broker is there: machines start in any order. */
export class PoolSearch {
  readonly #options: StoreOptions
  #failure: PersistError | undefined
  #isPatient = false
  #isStopped = false
  #paused: Deferred<void> | undefined

  constructor(options: StoreOptions) {
    this.#options = options
  }

  /** Why the last attempt failed. */
  get failure(): PersistError | undefined {
    return this.#failure
  }

  /**
   * The pool; undefined: the search was stopped.
   *
   * @throws {PersistError} where a broker is there and refuses: somebody has to put that right
   */
  async find(): Promise<Store | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#isStopped; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
      try {
        const pt = await openStore(this.#options)
        if (!this.#isStopped) return pt
        await pt.$close()
      } catch (error) {
        this.#failed(error as PersistError)
      }
      this.#paused = deferred()
      // Node-RED's own server keeps the program alive; a start that is to fail has a timer that does.
      if (!this.#isStopped) await pause(pauseMs, this.#paused.promise)
    }
    return undefined
  }

  /** From here on a broker that refuses is a warning, and asked again. */
  bePatient(): void {
    this.#isPatient = true
  }

  stop(): void {
    this.#isStopped = true
    this.#paused?.resolve()
  }

  #failed(error: PersistError): void {
    const isThere = error.code !== 'ERR_PERSIST_CONNECT' && error.code !== 'ERR_PERSIST_TIMEOUT'
    const isNews = isThere && error.code !== this.#failure?.code
    this.#failure = error
    if (isThere && !this.#isPatient) throw error
    if (isNews) process.emitWarning(error)
  }
}
