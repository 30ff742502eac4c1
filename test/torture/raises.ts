import { comebackTimesOf } from './comebacks.ts'
import { racesOf } from './direct-edits.ts'
import type { HistoryEvent } from './history.ts'
import { untilOf } from './journal-kills.ts'
import { rawPoolsOf } from './raw-writes.ts'

/** What a counter may be, as ranges. */
export interface Raises {
  readonly name: string
  readonly ranges: readonly (readonly [least: number, most: number])[]
}

interface Raise {
  readonly start: number
  end: number
  /** When its editor stopped waiting, or the owner had surely forgotten it; until then it meets others. */
  until: number
  readonly by: number
  /** Made by an editor itself, since nobody owned the pool: not atomic. */
  isDirect: boolean
}

/**
 * What each counter may be after this history.
 *
 * What was answered ok is in it, what was not answered may be. Where the raw client may have set it, it counts from there.
 * If one was raised by an editor itself, while another raised it too, one of them may be lost, as is documented; and so may
 * one without the owner that brings back, after that, what it had.
 */
export function raisesOf(events: readonly HistoryEvent[]): Raises[] {
  const counters = new Map<string, Map<number, Raise>>()
  const raises = new Map<number, Raise>()
  const mayReturn = untilOf(events)
  const isRaced = racesOf(events)
  for (const event of events) {
    if (event.type === 'increment') {
      const never = Number.POSITIVE_INFINITY
      const raise = { start: event.at, end: never, until: never, by: event.by, isDirect: false }
      raises.set(event.id, raise)
      const counter = counters.get(event.name) ?? new Map()
      counters.set(event.name, counter.set(event.id, raise))
    } else if (event.type === 'ok') {
      const raise = raises.get(event.id)
      const isDirect = event.way === 'direct'
      const until = raise && mayReturn(raise.start, event.at)
      if (raise) Object.assign(raise, { end: event.at, until: isDirect ? event.at : until, isDirect })
    } else if (event.type === 'failed') {
      const raise = raises.get(event.id)
      // Nobody knows which way it went.
      if (raise) Object.assign(raise, { until: mayReturn(raise.start, event.at), isDirect: true })
    }
  }
  const pools = rawPoolsOf(events)
  const comebacks = comebackTimesOf(events)
  return [...counters].map(([name, counter]) => {
    const all = [...counter.values()]
    const times = comebacks(name)
    const isSure = (raise: Raise) =>
      !mayBeLost(raise, all) &&
      !(raise.isDirect && isRaced(raise.start, raise.end)) &&
      !(raise.isDirect && times.some(({ start, end }) => raise.start < end && raise.end > start))
    const bases = pools
      .filter(({ mayHaveWritten }) => mayHaveWritten(name))
      .map(({ start, end, payload }) => ({ start, end, value: Number(payload?.[name] ?? 0) }))
    const ranges = [{ start: -1, end: -1, value: 0 }, ...bases].map(({ start, end, value }): [number, number] => {
      const sure = all.filter((raise) => raise.start > end && raise.end < Number.POSITIVE_INFINITY)
      const possible = all.filter((raise) => raise.end > start)
      return [value + sum(sure.filter(isSure)), value + sum(possible)]
    })
    return { name, ranges }
  })
}

/** Did two raise it at once, one of them without an owner? */
function mayBeLost(raise: Raise, all: readonly Raise[]): boolean {
  const meets = (other: Raise) => other !== raise && other.start < raise.until && other.until > raise.start
  return all.some((other) => meets(other) && (raise.isDirect || other.isDirect))
}

function sum(raises: readonly Raise[]): number {
  return raises.reduce((total, { by }) => total + by, 0)
}
