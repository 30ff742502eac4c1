import type { JsonValue } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { warn } from '../runtime/warning.ts'
import type { Origin } from '../variables/variable.ts'
import type { Status } from './status.ts'

/** What `$on` tells, by the name of the event. */
export interface StoreEvents {
  /** A variable has another value, or is gone (`value` undefined). Values are frozen. */
  change: { name: string; value: JsonValue | undefined; previous: JsonValue | undefined; origin: Origin }
  /** The backend holds what was saved. */
  save: { sizeBytes: number }
  /** This program and somebody else changed one variable; `value` is what it is now. */
  conflict: { name: string; local: JsonValue | undefined; remote: JsonValue | undefined; value: JsonValue | undefined }
  /** The backend had lost the pool, or held what does not fit the schema ('invalid'), and has been given ours again. */
  heal: { reason: 'lost' | 'deleted' | 'overwritten' | 'invalid' }
  /** `$status` is another. */
  status: Status
  /** Something failed that no awaited promise may tell. */
  error: PersistError
}

type Listener<Event> = (event: Event) => void

/** Listeners by event name. A listener that throws neither stops the others nor the one who tells. */
export class Events<EventMap extends object> {
  readonly #listeners = new Map() as Map<keyof EventMap, Set<Listener<never>>>

  /** Adds a listener; the result removes it again. A function that is added twice is called twice. */
  on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void {
    // A wrapper of its own gives every registration its identity.
    const own: Listener<EventMap[Name]> = (event) => listener(event)
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set.add(own))
    return () => void set.delete(own)
  }

  /** How many listen. */
  count(name: keyof EventMap): number {
    return this.#listeners.get(name)?.size ?? 0
  }

  emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as Listener<EventMap[Name]>[]) {
      try {
        listener(event)
      } catch (thrown) {
        // Reported as the uncaught exception that it is in the caller's code, outside of the store's own work.
        queueMicrotask(() => {
          throw thrown
        })
      }
    }
  }
}

/** Tells an error as an event, or as a warning of the process where nobody listens; returns it. */
export function report(error: PersistError, events: Events<StoreEvents>): PersistError {
  if (events.count('error') === 0) warn(error)
  events.emit('error', error)
  return error
}
