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
   * @throws {PersistError} a broker answers and refuses: the user has to mend that
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
      // The pause does not keep the process alive: Node-RED's server does, and during the start the limit of open().
      if (!this.#isStopped) await pause(pauseMs, this.#paused.promise)
    }
    return undefined
  }

  /** From now on a refusal is a warning, and the search goes on. */
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
