import type { Backend } from '../contracts/backend.ts'
import type { JournalStep } from '../contracts/journal.ts'
import type { JsonObject } from '../format/json.ts'
import type { Payload } from '../format/payload.ts'
import { Revisions } from '../merge/revisions.ts'
import type { PersistError } from '../runtime/errors.ts'
import type { Unsaved } from '../variables/unsaved.ts'
import type { Origin } from '../variables/variable.ts'
import { type ValueTarget, Variables } from '../variables/variables.ts'
import { Events, report, type StoreEvents } from './events.ts'
import type { ResolvedOptions } from './options.ts'
import { StoreState } from './status.ts'

/** What all parts of one store work with. */
export interface StoreContext {
  /** Name and place, for messages. */
  readonly storeName: string
  readonly options: ResolvedOptions
  readonly backend: Backend
  readonly state: StoreState
  readonly variables: Variables
  readonly unsaved: Unsaved
  readonly revisions: Revisions
  readonly events: Events<StoreEvents>
  /** Where there is a journal, from before the backend is opened. */
  journaling?: StoreJournal
  /** Emits an error as an event, since a program need not await the promise that rejects with it; returns it. */
  report(error: PersistError): PersistError
}

/** A pool with what a journal adds to it. */
export interface Recovery {
  readonly values: JsonObject
  /** Does it differ from the pool that the backend holds? */
  readonly isNeeded: boolean
  /** Emits errors and conflicts of the recovery; the store calls it when programs can listen. */
  readonly tell: () => void
}

/** The journal of a store, `Journaling`. */
export interface StoreJournal {
  /** What the backend held before a pool, while the last program with this journal ran. */
  stepsTo(pool: string): readonly JournalStep[]
  recover(pool: Payload): Recovery
  begin(recovery: Recovery): void
  note(): Promise<void>
  review(): void
  forget(): void
  close(): Promise<void>
}

/** @param onTouch called at every change of a variable */
export function storeContext(
  options: ResolvedOptions,
  backend: Backend,
  target: ValueTarget,
  onTouch: (name: string, origin: Origin) => void,
): StoreContext {
  const storeName = options.backend === undefined ? `'${options.name}' (${backend.place})` : backend.place
  const state = new StoreState(backend.place, storeName, options.readOnly)
  const events = new Events<StoreEvents>()
  const rules = { tasmota: options.compat === 'tasmota', assertWritable: () => state.assertWritable() }
  const variables = new Variables(target, rules, onTouch)
  return {
    storeName,
    options,
    backend,
    state,
    variables,
    unsaved: variables.unsaved,
    revisions: new Revisions(options.isGuest),
    events,
    report: (error) => report(error, events),
  }
}
