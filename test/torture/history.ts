import { REVISION_NAME } from '../../src/format/revision.ts'
import type { EditorNumber, Writes } from './schedule.ts'

/** What a retained message was, where it is a JSON object; null where there is none, or something else. */
export type PoolValues = Readonly<Record<string, unknown>> | null

/** Everything that happened, as it was seen from where the run is steered: times are in ms since its beginning. */
export type HistoryEvent = { readonly at: number } /** Told to the owner; `session` is which of its lives it was. */ & (
  | { type: 'set'; id: number; session: number; values: Writes; save: boolean }
  | { type: 'patch'; id: number; editor: EditorNumber; values: Writes }
  | { type: 'increment'; id: number; editor: EditorNumber; name: string; by: number }
  /** The raw client begins, with what it is about to change; what it then sends comes with 'raw-sent'. */
  | { type: 'raw'; id: number; values: Writes; isFixed: boolean }
  /** `isPlain`: it had read no `$rev`, so that all in it is its change. */
  | { type: 'raw-sent'; id: number; payload: PoolValues; isPlain?: boolean }
  /** How one of these ended: confirmed, answered or acknowledged. Without an end nobody knows. */
  | { type: 'ok'; id: number; way?: 'owner' | 'direct' }
  | { type: 'failed'; id: number; code: string }
  /** Do all see the messages of a topic in one order, the last of which is the one that is kept? */
  | { type: 'broker'; hasOneOrder: boolean }
  | { type: 'owner-up'; session: number }
  | { type: 'owner-killed'; session: number; hasJournal: boolean }
  /** The owner's way to the broker is disturbed, or the broker is away; and is whole again. */
  | { type: 'owner-link'; isBroken: boolean }
  /** `forgets`: what it kept is gone, and comes back with the owner. */
  | { type: 'broker-killed'; forgets: boolean }
  /** A variable had this value where `by` looked; told once for every value. */
  | { type: 'seen'; by: string; name: string; value: unknown }
  | { type: 'fault'; kind: string; detail: string }
  | { type: 'note'; by: string; text: string }
  /** All is quiet: what a client that comes now finds retained, and what the owner has. */
  | { type: 'quiet'; session: number; retained: string | null; owner: string | null }
)

/** An event before the time is known. */
export type NewEvent = HistoryEvent extends infer Event
  ? Event extends HistoryEvent
    ? Omit<Event, 'at'>
    : never
  : never

/** The record of a run, only ever added to. */
export class History {
  readonly events: HistoryEvent[] = []
  readonly #start: number = performance.now()
  readonly #seen = new Set<string>()
  #lastId = 0

  /** The time now, as events have it. */
  now(): number {
    return performance.now() - this.#start
  }

  record(event: NewEvent): void {
    this.events.push({ at: this.now(), ...event } as HistoryEvent)
  }

  newId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  /** Notes what is seen of a pool, as far as it is new. */
  seen(by: string, values: PoolValues): void {
    for (const [name, value] of Object.entries(values ?? {})) {
      const key = JSON.stringify([name, value])
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      this.record({ type: 'seen', by, name, value })
    }
  }

  toString(): string {
    return linesOf(this.events)
  }
}

/** JSON, an event a line. */
export function linesOf(events: readonly HistoryEvent[]): string {
  return events.map((event) => `${JSON.stringify({ ...event, at: Math.round(event.at * 10) / 10 })}\n`).join('')
}

/** The variables in a payload; null where it is no JSON object. */
export function poolIn(payload: string | null): PoolValues {
  const pool = membersIn(payload)
  return pool && Object.fromEntries(Object.entries(pool).filter(([name]) => name !== REVISION_NAME))
}

/** The same with the revision. */
export function membersIn(payload: string | null): PoolValues {
  try {
    const value: unknown = JSON.parse(payload ?? 'null')
    return typeof value === 'object' && !Array.isArray(value) ? (value as PoolValues) : null
  } catch {
    return null
  }
}

/** The events that have to do with a variable, and what was done to owner, broker and links: JSON, an event a line. */
export function linesAbout(name: string, events: readonly HistoryEvent[]): string {
  const ids = new Set<number>()
  const isAbout = (event: HistoryEvent): boolean => {
    switch (event.type) {
      case 'set':
      case 'patch':
        if (Object.hasOwn(event.values, name)) ids.add(event.id)
        return ids.has(event.id)
      case 'increment':
        if (event.name === name) ids.add(event.id)
        return ids.has(event.id)
      case 'raw':
        // Of the whole pool.
        ids.add(event.id)
        return true
      case 'ok':
      case 'failed':
        return ids.has(event.id)
      case 'seen':
        return event.name === name
      default:
        return true
    }
  }
  return linesOf(events.filter(isAbout))
}
