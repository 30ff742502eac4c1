import type { HistoryEvent } from './history.ts'

/** What is confirmed leaves the journal so soon, in ms; docs/guarantees.md says 50 and a busy machine is given time. */
const LEAVING_MS = 250

/**
 * Until when a change may be made again that was made between `start` and `end`; `end` itself where it cannot be.
 *
 * An owner with a journal that is killed right after a confirmation has it in its journal still. If somebody else changes
 * that variable before it starts again, that is a conflict, and by default its own value wins.
 */
export function untilOf(events: readonly HistoryEvent[]): (start: number, end: number) => number {
  const kills = events.flatMap((event, index) => {
    if (event.type !== 'owner-killed' || !event.hasJournal) return []
    const next = events.slice(index).find(({ type }) => type === 'quiet')
    return [{ at: event.at, until: next?.at ?? Number.POSITIVE_INFINITY }]
  })
  return (start, end) => kills.findLast(({ at }) => start <= at && at <= end + LEAVING_MS)?.until ?? end
}
