import type { HistoryEvent } from './history.ts'
import { outagesOf, sentBy } from './raw-writes.ts'
import type { VariableWrite } from './variable-write.ts'

/**
 * What an owner brings back that had no link while the pool was deleted, or forgotten by its broker: all that it had when
 * the link broke. What editors wrote meanwhile without it, and before that, is gone, and it never knew; nor of what they
 * removed after that, of which nothing tells.
 */
export function* comebacksOf(
  events: readonly HistoryEvent[],
  writes: ReadonlyMap<string, readonly VariableWrite[]>,
): Generator<VariableWrite> {
  const deleted = sentBy(events).filter(({ payload }) => payload === null)
  for (const outage of outagesOf(events)) {
    const last = deleted.findLast(({ start }) => outage.start <= start && start < outage.end)
    if (last === undefined) continue
    for (const made of writes.values()) {
      const untold = made.filter(
        ({ value, isPromised, start, end }) =>
          value === undefined && !isPromised && start > outage.start && end < Number.POSITIVE_INFINITY,
      )
      yield* hadAt(outage.start, made, Math.max(last.end, ...untold.map(({ end }) => end)))
    }
  }
}

/** The values that a variable may have had at a time, as if they were written until another one. */
function* hadAt(at: number, made: readonly VariableWrite[], until: number): Generator<VariableWrite> {
  const sure = made.findLast(({ isPromised, end }) => isPromised && end <= at)
  for (const write of made) {
    const isThen = write.start < at && write.end >= (sure?.start ?? Number.NEGATIVE_INFINITY)
    if (isThen && write.end < until) yield { ...write, end: until, isPromised: false }
  }
}
