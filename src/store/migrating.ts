import type { Backend } from '../contracts/backend.ts'
import type { JsonObject } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { isOutdated, migrated } from '../schema/migration.ts'
import type { Events, StoreEvents } from './events.ts'
import type { ResolvedOptions } from './options.ts'

/** What bringing an older program's pool forward needs of the store around it. */
export interface UpgradeHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly options: ResolvedOptions
  readonly backend: Backend
  readonly events: Events<StoreEvents>
  trouble(error: PersistError): void
}

/** Brings the pool of an older program forward, and keeps what it was beside it until all is well. */
export class Upgrade {
  readonly #host: UpgradeHost
  #isUnderWay = false
  /** Until the copy is removed. One may be there from a program that was killed after it had migrated the pool. */
  #savesToCome = 1
  /** This program has made the copy. */
  #isOurs = false
  /** How often in a row the link broke at its removal. */
  #broken = 0

  constructor(host: UpgradeHost) {
    this.#host = host
    const { version, readOnly } = host.options
    if (version > 0 && !readOnly) host.events.on('save', () => void this.#saved())
  }

  /** Not settled yet: what the backend tells meanwhile is to be told again afterwards. */
  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** @throws {PersistError} ERR_PERSIST_SCHEMA where the variables are of no use to this program */
  isNeeded(variables: Readonly<JsonObject>): boolean {
    return isOutdated(variables, this.#host.options, this.#host.label)
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
    const { options, label, backend } = this.#host
    this.#isUnderWay = true
    try {
      const today = prepare(await migrated(variables, options, label))
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
  goesOn(): void {
    this.#savesToCome = 2
  }

  /** The copy has served when the new program has saved something of its own. */
  async #saved(): Promise<void> {
    this.#savesToCome -= 1
    if (this.#savesToCome !== 0) return
    const { backend, options, trouble } = this.#host
    await backend.keepCopy(null, options.saveTimeoutMs).catch((error: PersistError) => {
      // With the next save again. Where nobody may write a copy, none can be there.
      // Some brokers close the connection instead of saying that it is not allowed.
      if (error.code === 'ERR_PERSIST_CONNECT' && ++this.#broken < 2) this.#savesToCome = 1
      else if (this.#isOurs && error.code !== 'ERR_PERSIST_CLOSED') trouble(error)
    })
  }
}
