import type { HistoryEvent } from './history.ts'

/** When an editor wrote the pool itself, or may have: of an edit that failed nobody knows which way it went. */
export interface DirectEdit {
  readonly start: number
  readonly end: number
  readonly names: readonly string[]
}

export function directEditsOf(events: readonly HistoryEvent[]): DirectEdit[] {
  const edits = new Map<number, { start: number; end: number; isDirect: boolean; names: string[] }>()
  for (const event of events) {
    if (event.type === 'patch' || event.type === 'increment') {
      const names = event.type === 'patch' ? Object.keys(event.values) : [event.name]
      edits.set(event.id, { start: event.at, end: Number.POSITIVE_INFINITY, isDirect: true, names })
    } else if (event.type === 'ok' || event.type === 'failed') {
      const edit = edits.get(event.id)
      if (edit) Object.assign(edit, { end: event.at, isDirect: event.type === 'failed' || event.way === 'direct' })
    }
  }
  return [...edits.values()].filter(({ isDirect }) => isDirect)
}

/**
 * Did the direct edit of this time race with another one, on a broker without one order for all?
 *
 * Then the message that is kept need not be the last one, and nobody stays to look at that: one of them may be lost.
 */
export function racesOf(events: readonly HistoryEvent[]): (start: number, end: number) => boolean {
  const hasOneOrder = !events.some((event) => event.type === 'broker' && !event.hasOneOrder)
  if (hasOneOrder) return () => false
  const edits = directEditsOf(events)
  return (start, end) => edits.filter((edit) => edit.start < end && edit.end > start).length > 1
}
