import type { Held, Stamp } from '../contracts/backend.ts'
import { encodeText } from '../format/bytes.ts'
import { type JsonObject, ownValue, sameJson } from '../format/json.ts'
import { decodePayload, type Payload } from '../format/payload.ts'
import type { History } from '../merge/history/history.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import type { Variables } from '../variables/variables.ts'
import type { Recovery, StoreJournal } from './journaling.ts'
import type { Upgrade } from './migrating.ts'
import type { ResolvedOptions } from './options.ts'
import { checkSize, readLimit } from './size-limit.ts'
import type { StoreState } from './store-state.ts'
import type { Fitting } from './validation.ts'

/** What getting the variables needs of the store around it. */
export interface OpeningHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly options: ResolvedOptions
  readonly state: StoreState
  readonly variables: Variables
  readonly history: History
  readonly journal: StoreJournal | undefined
  readonly fitting: Fitting
  readonly upgrade: Upgrade
  /** The variables are here. */
  begun(): void
  /** Nothing that can be used is held; `error` says what is held instead, where there is something. */
  waits(error?: PersistError): void
  fail(error: PersistError): void
  save(): Promise<void>
}

/** An empty pool. */
const NOTHING: Payload = { values: {}, texts: new Map() }

/** From what a backend holds, the journal and the program's own version and schema to variables that can be used. */
export class Opening {
  readonly #host: OpeningHost
  /** What the backend has told before that. */
  #early: (() => void)[] = []

  constructor(host: OpeningHost) {
    this.#host = host
  }

  /** Not before the variables are here, and in the same order: whether that is to be told later. */
  isEarly(tell: () => void): boolean {
    const { state, upgrade } = this.#host
    const isEarly = state.name === 'connecting' || upgrade.isUnderWay
    if (isEarly) this.#early.push(tell)
    return isEarly
  }

  /** Takes over what is held. Synchronous where nothing has to be migrated. Never rejects. */
  async begin(held: Held): Promise<void> {
    const { state, options, label, waits, fail } = this.#host
    state.held = held
    try {
      if (held.bytes !== null) await this.#take(held.bytes, held.stamp)
      else if (options.empty === 'create') this.beginEmpty()
      else if (options.empty === 'wait') waits()
      else throw emptyError(label)
    } catch (thrown) {
      const error = asPersistError(thrown, label, 'opened')
      // What is no pool stays as it is, until somebody writes a pool or zero(true) is called.
      if (/_(BAD_PAYLOAD|TOO_LARGE)$/.test(error.code)) waits(error)
      else if (!this.#isOver) fail(error)
    }
    for (const tell of this.#early.splice(0)) tell()
  }

  /** Begins with an empty pool, and what the journal has. */
  beginEmpty(): void {
    this.#start(NOTHING, this.#host.journal?.recover(NOTHING))
  }

  async #take(bytes: Uint8Array, stamp: Stamp | undefined): Promise<void> {
    const { options, label, history, journal, upgrade, save } = this.#host
    const pool = decodePayload(bytes, label, readLimit(options))
    history.began(bytes, stamp)
    const recovery = journal?.recover(pool)
    const values = recovery?.values ?? pool.values
    if (!upgrade.isNeeded(values)) {
      // The journal has what was migrated and did not get there any more.
      if (upgrade.isNeeded(pool.values)) upgrade.goesOn()
      return this.#start(pool, recovery)
    }
    const fitted = await upgrade.run(values, bytes, (today) => this.#storable(today))
    if (this.#isOver) return
    this.#start(pool, recovery, fitted)
    void save()
  }

  /** Closed meanwhile, or begun anew by zero(). */
  get #isOver(): boolean {
    const { state } = this.#host
    return state.isReady || state.name === 'closed'
  }

  /** Throws what would keep the first save from being made. */
  #storable(values: JsonObject): JsonObject {
    const { fitting, options, state, label } = this.#host
    const fitted = fitting.opened(values)
    const sizeBytes = encodeText(JSON.stringify(fitted)).length
    const texts = () => Object.entries(fitted).map(([name, value]) => [name, JSON.stringify(value)] as const)
    const limit = Math.min(options.maxBytes, state.held?.limitBytes ?? options.maxBytes)
    checkSize({ sizeBytes, texts, values: () => fitted }, limit, label)
    return fitted
  }

  #start(pool: Payload, recovery: Recovery | undefined, migrated?: JsonObject): void {
    const { journal, fitting, variables, begun, save } = this.#host
    const fitted = migrated ?? fitting.opened(recovery?.values ?? pool.values)
    variables.load(pool)
    if (fitted !== pool.values) assign(fitted, pool.values, variables)
    begun()
    if (recovery !== undefined) journal?.begin(recovery)
    if (recovery?.isNeeded) void save()
  }
}

/** Gives the variables other values than they were loaded with; what differs is unsaved. */
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
