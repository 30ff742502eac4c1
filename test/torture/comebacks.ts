import type { HistoryEvent } from './history.ts'
import { knownAtOf, outagesOf, sentBy } from './raw-writes.ts'
import type { VariableWrite } from './variable-write.ts'

interface Comeback {
  /** The link broke: what the owner had then comes back. */
  readonly start: number
  /** What was written until then, without the owner, may be gone. */
  readonly until: number
  /** The link is whole again. Until then counters are raised from what is there, which is not what the owner has. */
  readonly end: number
}

/**
 * When an owner without a link may bring back what it had of a variable: the pool was deleted meanwhile, or forgotten by
 * its broker, or overwritten with another one, meanwhile or right before, where the owner had not written again what was missing. What editors wrote without it is gone with that, and also with a raw client's pool that lacks it: the owner
 * never knew of it, and takes what is missing for lost.
 */
export function comebackTimesOf(events: readonly HistoryEvent[]): (name: string) => Comeback[] {
  const sent = sentBy(events)
  const knownAt = knownAtOf(events)
  const outages = outagesOf(events).flatMap(({ start, end }) => {
    const during = sent.filter((write) => start <= write.start && write.start < end)
    const isUnmended = sent.some((write) => write.isFixed && write.start < start && knownAt(write.end) > start)
    const overwritten = isUnmended ? [{ start, end, sent: during }] : []
    // Faults overlap: between two of them the owner may have been back, and know what was written until then.
    const deleted = during.flatMap(({ payload, isFixed, start: at }, index) =>
      payload === null || isFixed ? [start, at].map((from) => ({ start: from, end, sent: during.slice(index) })) : [],
    )
    return [...overwritten, ...deleted]
  })
  return (name) =>
    outages.map(({ start, end, sent }) => {
      const without = sent.filter(({ payload }) => !Object.hasOwn(payload ?? {}, name))
      return { start, end, until: Math.max(...without.map((write) => write.end)) }
    })
}

/** What an owner brings back; nothing tells it either what editors removed without it from a pool that had been deleted. */
export function* comebacksOf(
  events: readonly HistoryEvent[],
  writes: ReadonlyMap<string, readonly VariableWrite[]>,
): Generator<VariableWrite> {
  const timesOf = comebackTimesOf(events)
  for (const [name, made] of writes) {
    for (const { start, until } of timesOf(name)) {
      const untold = made.filter(
        (write) =>
          write.value === undefined && !write.isPromised && write.start > start && write.end < Number.POSITIVE_INFINITY,
      )
      yield* hadAt(start, made, Math.max(until, ...untold.map(({ end }) => end)))
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
