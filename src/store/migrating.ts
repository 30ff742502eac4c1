import type { JsonObject } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { isOutdated, migrated } from '../schema/migration.ts'
import type { StoreContext } from './context.ts'

/** Migrates the pool of an older program, and keeps a copy of it until the newer program has saved something of its own. */
export class Migrating {
  readonly #context: StoreContext
  /** So many saves until the store removes the copy. One may be there from a program that was killed after it migrated. */
  #savesToCome = 1
  /** Did this program make the copy? */
  #isOurs = false
  /** How often in a row the link broke while the store removed the copy. */
  #broken = 0

  constructor(context: StoreContext) {
    this.#context = context
    const { version, readOnly } = context.options
    if (version > 0 && !readOnly) context.events.on('save', () => void this.#saved())
  }

  /** @throws {PersistError} ERR_PERSIST_SCHEMA where the variables are of no use to this program */
  isNeeded(variables: Readonly<JsonObject>): boolean {
    const { options, storeName } = this.#context
    return isOutdated(variables, options, storeName)
  }

  /**
   * Migrates variables, and has the backend keep a copy of the pool as it is. Does not write the pool.
   *
   * @param bytes what the backend holds; null: nothing
   * @param prepare coerces and checks the result; throws where the store could not save it
   * @throws {PersistError} ERR_PERSIST_SCHEMA; what `prepare` throws; and as Backend.keepCopy()
   */
  async run(
    variables: JsonObject,
    bytes: Uint8Array | null,
    prepare: (variables: JsonObject) => JsonObject,
  ): Promise<JsonObject> {
    const { options, storeName, backend } = this.#context
    const today = prepare(await migrated(variables, options, storeName))
    if (bytes !== null) await backend.keepCopy(bytes, options.saveTimeoutMs)
    // The first save is that of the migrated pool.
    this.#savesToCome = 2
    this.#isOurs = true
    return today
  }

  /** A killed program migrated the pool and made the copy; the first save is that of its migrated pool, from the journal. */
  resume(): void {
    this.#savesToCome = 2
  }

  /** Removes the copy when the newer program has saved something of its own. */
  async #saved(): Promise<void> {
    this.#savesToCome -= 1
    if (this.#savesToCome !== 0) return
    const { backend, options, report } = this.#context
    await backend.keepCopy(null, options.saveTimeoutMs).catch((error: PersistError) => {
      // Again with the next save. Where this user may write no copy, there is none: some brokers close the connection
      // instead of saying so.
      if (error.code === 'ERR_PERSIST_CONNECT' && ++this.#broken < 2) this.#savesToCome = 1
      else if (this.#isOurs && error.code !== 'ERR_PERSIST_CLOSED') report(error)
    })
  }
}
