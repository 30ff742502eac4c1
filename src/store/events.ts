import type { JsonObject } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { warn } from '../runtime/warning.ts'
import type { Origin } from '../variables/variable.ts'
import type { Status } from './status.ts'

/**
 * What listeners of `$on` get, by the name of the event. T has the variables that are declared; in a pool may be others,
 * of another writer.
 */
export interface StoreEvents<T extends object = JsonObject> {
  /** A variable has another value, or is gone (`value` undefined). Values are frozen. */
  change: ChangeOf<T>
  /** The backend holds what was saved. */
  save: { sizeBytes: number }
  /** This program and another writer changed one variable; `value` is the merged one. */
  conflict: ConflictOf<T>
  /** The store wrote its pool again: the backend had lost it, or held what is no pool or does not fit the schema ('invalid'). */
  heal: { reason: 'lost' | 'deleted' | 'overwritten' | 'invalid' }
  /**
   * Another writer wrote these variables as it had once seen them, not as they are, or left them out without having seen
   * them: the store writes its own again.
   */
  stale: { names: readonly string[] }
  /** `$status` has changed. */
  status: Status
  /** Something failed; a program may not await the promise that rejects with it, if there is one. */
  error: PersistError
}

/** One type for each variable, so that a comparison of `name` tells the type of `value`. */
type ChangeOf<T> = {
  [Name in keyof T & string]-?: {
    name: Name
    value: T[Name] | undefined
    previous: T[Name] | undefined
    origin: Origin
  }
}[keyof T & string]

type ConflictOf<T> = {
  [Name in keyof T & string]-?: {
    name: Name
    local: T[Name] | undefined
    remote: T[Name] | undefined
    value: T[Name] | undefined
  }
}[keyof T & string]

type Listener<Event> = (event: Event) => void

/** Listeners by event name. A listener that throws stops neither the others nor `emit`. */
export class Events<EventMap extends object> {
  readonly #listeners = new Map() as Map<keyof EventMap, Set<Listener<never>>>

  /** Adds a listener; returns a function that removes it. A function that is added twice is called twice. */
  on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void {
    // A wrapper of its own gives every registration its identity.
    const own: Listener<EventMap[Name]> = (event) => listener(event)
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set.add(own))
    return () => void set.delete(own)
  }

  count(name: keyof EventMap): number {
    return this.#listeners.get(name)?.size ?? 0
  }

  emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as Listener<EventMap[Name]>[]) {
      try {
        listener(event)
      } catch (thrown) {
        // An uncaught exception of the program, outside of the store's own work.
        queueMicrotask(() => {
          throw thrown
        })
      }
    }
  }
}

/** Emits an error as an event, or as a warning of the process where no listener is; returns it. */
export function report(error: PersistError, events: Events<StoreEvents>): PersistError {
  if (events.count('error') === 0) warn(error)
  events.emit('error', error)
  return error
}
