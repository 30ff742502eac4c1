import type { Held } from '../contracts/backend.ts'
import { encodeText } from '../format/bytes.ts'
import { type JsonObject, ownValue, sameJson } from '../format/json.ts'
import { type DecodedPayload, decodePayload, emptyPayload } from '../format/payload.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import type { Variables } from '../variables/variables.ts'
import type { Recovery, StoreContext } from './context.ts'
import type { Inbox } from './inbox.ts'
import type { Migrating } from './migrating.ts'
import type { Saving } from './saving.ts'
import { readLimit } from './size-limit.ts'
import type { Validation } from './validation.ts'

/** What becomes of a store that is being opened. */
export interface OpeningOutcome {
  /** The program can use the variables. */
  begun(): void
  /** Nothing that can be used is held; `error` says what is held instead, where there is something. */
  waits(error?: PersistError): void
  failed(error: PersistError): void
}

/** The parts of a store that opening needs, beside what all of them have. */
interface OpeningParts {
  /** Closed during a migration: the backend's news wait for the migrated variables. */
  readonly inbox: Inbox
  readonly validation: Validation
  readonly migrating: Migrating
  readonly saving: Saving
}

/** Makes variables of what the backend holds, of the journal, and of the program's version, schema and defaults. */
export class Opening {
  readonly #context: StoreContext
  readonly #parts: OpeningParts
  readonly #outcome: OpeningOutcome

  constructor(context: StoreContext, parts: OpeningParts, outcome: OpeningOutcome) {
    this.#context = context
    this.#parts = parts
    this.#outcome = outcome
  }

  /** Opens with what the backend holds. Never rejects. */
  async begin(held: Held): Promise<void> {
    const { state, options, storeName } = this.#context
    const { inbox } = this.#parts
    state.held = held
    inbox.close()
    try {
      if (held.bytes !== null) await this.#take(held.bytes)
      else if (options.empty === 'create') this.beginEmpty()
      else if (options.empty === 'wait') this.#outcome.waits()
      else throw emptyError(storeName)
    } catch (thrown) {
      const error = asPersistError(thrown, storeName, 'opened')
      // What is no pool stays as it is, until a writer replaces it or the program calls zero(true).
      if (/_(BAD_PAYLOAD|TOO_LARGE)$/.test(error.code)) this.#outcome.waits(error)
      else if (!this.#isOver) this.#outcome.failed(error)
    }
    inbox.open()
  }

  /** Opens with an empty pool, and what the journal has. */
  beginEmpty(): void {
    const { options } = this.#context
    const pool = emptyPayload()
    this.#start(pool, this.#context.journaling?.recover(pool))
    if (options.compat !== 'tasmota' || options.readOnly || options.isGuest) return
    // A device of that name is not ready until it has got a pool.
    this.#parts.saving.force()
    void this.#parts.saving.save()
  }

  async #take(bytes: Uint8Array): Promise<void> {
    const { options, storeName, revisions } = this.#context
    const { migrating, saving } = this.#parts
    const pool = decodePayload(bytes, storeName, readLimit(options))
    const { journaling } = this.#context
    revisions.began(pool, journaling?.stepsTo(pool.name))
    const recovery = journaling?.recover(pool)
    const values = recovery?.values ?? pool.values
    if (!migrating.isNeeded(values)) {
      // The journal has the migrated variables, which a killed program could not save.
      if (migrating.isNeeded(pool.values)) migrating.resume()
      return this.#start(pool, recovery)
    }
    const today = await migrating.run(values, bytes, (migrated) => this.#storable(migrated))
    if (this.#isOver) return
    this.#start(pool, recovery, today)
    void saving.save()
  }

  /** The program closed the store meanwhile, or started an empty pool with zero(). */
  get #isOver(): boolean {
    const { state } = this.#context
    return state.isReady || state.name === 'closed'
  }

  /** Coerces and checks migrated variables; throws what would keep the store from saving them. */
  #storable(values: JsonObject): JsonObject {
    const { validation } = this.#parts
    const today = validation.opened(values)
    const texts = () => Object.entries(today).map(([name, value]) => [name, JSON.stringify(value)] as const)
    const sizeBytes = encodeText(JSON.stringify(today)).length + this.#context.revisions.sizeBytes
    validation.assertSize({ sizeBytes, texts, values: () => today })
    return today
  }

  #start(pool: DecodedPayload, recovery: Recovery | undefined, migrated?: JsonObject): void {
    const { variables, options } = this.#context
    const { validation, saving } = this.#parts
    const values = migrated ?? validation.opened(recovery?.values ?? pool.values)
    // The schema, a migration and onConflict may have kept what they were given.
    const isSeen = options.schema !== undefined || values !== pool.values
    variables.load(isSeen ? pool.copy() : pool)
    if (values !== pool.values) assign(values, pool.values, variables)
    this.#outcome.begun()
    if (recovery !== undefined) this.#context.journaling?.begin(recovery)
    if (recovery?.isNeeded) void saving.save()
  }
}

/** Sets the variables that differ from the loaded ones: those are unsaved. */
function assign(values: JsonObject, loaded: JsonObject, variables: Variables): void {
  for (const name of Object.keys({ ...loaded, ...values })) {
    const value = ownValue(values, name)
    if (!sameJson(value, ownValue(loaded, name))) variables.set(name, value)
  }
}

function emptyError(store: string): PersistError {
  const text = `Store ${store} was not opened: nothing is kept there, and option empty is 'fail'.`
  return new PersistError('ERR_PERSIST_EMPTY', text, { store })
}
