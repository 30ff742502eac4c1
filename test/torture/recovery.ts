import type { HistoryEvent } from './history.ts'

/** When the owner had something confirmed again, at or after a moment; undefined: it had nothing to save. */
export function recoveredAt(events: readonly HistoryEvent[], since: number): number | undefined {
  const saves = new Set<number>()
  for (const event of events) {
    if (event.type === 'set') saves.add(event.id)
    else if (event.type === 'ok' && event.at >= since && saves.has(event.id)) return event.at
  }
  return undefined
}
