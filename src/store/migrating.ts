import type { JsonObject } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { isOutdated, migrated } from '../schema/migration.ts'
import type { StoreContext } from './context.ts'

/** Brings the pool of an older program forward, and keeps what it was beside it until all is well. */
export class Migrating {
  readonly #context: StoreContext
  #isUnderWay = false
  /** Until the copy is removed. One may be there from a program that was killed after it had migrated the pool. */
  #savesToCome = 1
  /** This program has made the copy. */
  #isOurs = false
  /** How often in a row the link broke at its removal. */
  #broken = 0

  constructor(context: StoreContext) {
    this.#context = context
    const { version, readOnly } = context.options
    if (version > 0 && !readOnly) context.events.on('save', () => void this.#saved())
  }

  /** Not settled yet: what the backend tells meanwhile is to be told again afterwards. */
  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** @throws {PersistError} ERR_PERSIST_SCHEMA where the variables are of no use to this program */
  isNeeded(variables: Readonly<JsonObject>): boolean {
    const { options, storeName } = this.#context
    return isOutdated(variables, options, storeName)
  }

  /**
   * The variables as this program wants them; what is held is untouched, and kept beside itself too from then on.
   *
   * @param bytes what is held; null: nothing
   * @param prepare makes of the result what can be used and saved, or throws
   * @throws {PersistError} ERR_PERSIST_SCHEMA; what `prepare` throws; and as Backend.keepCopy()
   */
  async run(
    variables: JsonObject,
    bytes: Uint8Array | null,
    prepare: (variables: JsonObject) => JsonObject,
  ): Promise<JsonObject> {
    const { options, storeName, backend } = this.#context
    this.#isUnderWay = true
    try {
      const today = prepare(await migrated(variables, options, storeName))
      if (bytes !== null) await backend.keepCopy(bytes, options.saveTimeoutMs)
      // The save of what was migrated is the first.
      this.#savesToCome = 2
      this.#isOurs = true
      return today
    } finally {
      this.#isUnderWay = false
    }
  }

  /** A program that was killed has kept the copy, and what it migrated is saved now. */
  resume(): void {
    this.#savesToCome = 2
  }

  /** The copy has served when the new program has saved something of its own. */
  async #saved(): Promise<void> {
    this.#savesToCome -= 1
    if (this.#savesToCome !== 0) return
    const { backend, options, report } = this.#context
    await backend.keepCopy(null, options.saveTimeoutMs).catch((error: PersistError) => {
      // With the next save again. Where nobody may write a copy, none can be there.
      // Some brokers close the connection instead of saying that it is not allowed.
      if (error.code === 'ERR_PERSIST_CONNECT' && ++this.#broken < 2) this.#savesToCome = 1
      else if (this.#isOurs && error.code !== 'ERR_PERSIST_CLOSED') report(error)
    })
  }
}
