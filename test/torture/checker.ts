import { comebacksOf } from './comebacks.ts'
import { racesOf } from './direct-edits.ts'
import { type HistoryEvent, type PoolValues, poolIn } from './history.ts'
import { untilOf } from './journal-kills.ts'
import { raisesOf } from './raises.ts'
import { emptyTimesOf, rawWritesOf } from './raw-writes.ts'
import type { VariableWrite } from './variable-write.ts'

/** 'lost': what was confirmed or answered ok is not there. 'wrong': something is there that must not be. */
export interface Violation {
  readonly kind: 'lost' | 'wrong'
  readonly rule: string
  /** Which variable, where it is about one. */
  readonly name?: string
  readonly text: string
}

/**
 * What the last quiet moment of a history shows to be wrong.
 *
 * A variable may have the value of any write but of one that was over before a write began that was said to be kept.
 */
export function violationsOf(events: readonly HistoryEvent[]): Violation[] {
  const quiet = events.findLast((event) => event.type === 'quiet')
  const writes = writesOf(events)
  const violations = [...unwritten(events, writes)]
  if (quiet?.type !== 'quiet') return violations
  const pool = poolIn(quiet.retained)
  // Nothing at all is a pool too, where nothing was ever written.
  if (pool === null && quiet.retained !== null) {
    return [...violations, { kind: 'wrong', rule: 'no pool', text: `retained: ${quiet.retained}` }]
  }
  if (!sameVariables(pool, poolIn(quiet.owner))) {
    const text = differences(pool, poolIn(quiet.owner))
    violations.push({ kind: 'wrong', rule: 'owner and broker differ', text })
  }
  return [...violations, ...obsolete(pool, writes), ...sums(pool, events)]
}

/** Every write of a variable that is no counter. */
function writesOf(events: readonly HistoryEvent[]): Map<string, VariableWrite[]> {
  const all = new Map<string, VariableWrite[]>()
  const add = (write: VariableWrite) => {
    const writes = all.get(write.name)
    if (writes) writes.push(write)
    else all.set(write.name, [{ ...write, value: undefined, start: -1, end: -1, isPromised: true }, write])
    return write
  }
  const isRaced = racesOf(events)
  const wasEmpty = emptyTimesOf(events)
  const patches = new Map<number, VariableWrite[]>()
  /** What an owner was told to save, and is not confirmed. */
  const unconfirmed = new Map<number, VariableWrite[]>()
  const saves = new Map<number, { session: number; count: number }>()
  for (const event of events) {
    if (event.type === 'patch' || event.type === 'set') {
      const made = Object.entries(event.values).map(([name, value]) =>
        add({ name, value: value ?? undefined, start: event.at, end: Number.POSITIVE_INFINITY, isPromised: true }),
      )
      if (event.type === 'patch') patches.set(event.id, made)
      else {
        const waiting = unconfirmed.get(event.session) ?? []
        unconfirmed.set(event.session, waiting)
        waiting.push(...made)
        if (event.save) saves.set(event.id, { session: event.session, count: waiting.length })
      }
    } else if (event.type === 'ok') {
      for (const write of patches.get(event.id) ?? []) {
        write.end = event.at
        if (event.way !== 'direct') continue
        const isUntold = write.value === undefined && wasEmpty(write.start, event.at)
        if (isUntold || isRaced(write.start, event.at)) write.isPromised = false
      }
      const save = saves.get(event.id)
      // It confirms all that was set before it was called.
      const confirmed = save && unconfirmed.get(save.session)?.slice(0, save.count)
      for (const write of confirmed ?? []) write.end = Math.min(write.end, event.at)
    }
  }
  const mayReturn = untilOf(events)
  for (const write of [...all.values()].flat()) {
    const end = mayReturn(write.start, write.end)
    if (end > write.end) add({ ...write, end, isPromised: false })
  }
  const names = new Set(all.keys())
  for (const write of rawWritesOf(events, names)) if (!isCounter(write.name)) add(write)
  // Also what a raw client had written.
  for (const write of [...comebacksOf(events, all)]) add(write)
  return all
}

/** Values that somebody saw and nobody wrote. */
function* unwritten(
  events: readonly HistoryEvent[],
  writes: ReadonlyMap<string, readonly VariableWrite[]>,
): Generator<Violation> {
  const known = new Set<string>()
  for (const [name, made] of writes) for (const { value } of made) known.add(JSON.stringify([name, value]))
  for (const event of events) {
    if (event.type !== 'seen' || isCounter(event.name)) continue
    if (known.has(JSON.stringify([event.name, event.value]))) continue
    const text = `${event.by} saw ${JSON.stringify(event.value)}, which nobody wrote`
    yield { kind: 'wrong', rule: 'a value that nobody wrote', name: event.name, text }
  }
}

/** Variables whose value was replaced, or removed, before a write began that was said to be kept. */
function* obsolete(pool: PoolValues, writes: ReadonlyMap<string, readonly VariableWrite[]>): Generator<Violation> {
  for (const [name, made] of writes) {
    const value = pool?.[name]
    const written = made.filter((write) => write.value === value)
    // The end of the latest: what was said to be kept, and begun after that, is missing.
    const end = Math.max(...written.map((write) => write.end))
    const missing = made.findLast(
      (write) => write.isPromised && write.end < Number.POSITIVE_INFINITY && write.start > end,
    )
    if (written.length === 0 || missing === undefined) continue
    const { start, value: wanted } = missing
    const text = `${shown(wanted)} (${Math.round(start)} to ${Math.round(missing.end)} ms) is missing, ${shown(value)} is there`
    yield { kind: 'lost', rule: 'a confirmed value is missing', name, text }
  }
}

/** Counters that are not what was added to them. */
function* sums(pool: PoolValues, events: readonly HistoryEvent[]): Generator<Violation> {
  for (const { name, ranges } of raisesOf(events)) {
    const value = pool?.[name] ?? 0
    if (typeof value === 'number' && ranges.some(([least, most]) => least <= value && value <= most)) continue
    const least = Math.min(...ranges.map(([from]) => from))
    const kind = typeof value === 'number' && value < least ? 'lost' : 'wrong'
    const known = new Set(ranges.map((range) => range.join(' to ')))
    const text = `${shown(value)} is there, not one of ${[...known].join(', ')}`
    yield { kind, rule: 'a sum is not exact', name, text }
  }
}

export function isCounter(name: string): boolean {
  return name.startsWith('count') || name.startsWith('sum')
}

function sameVariables(one: PoolValues, other: PoolValues): boolean {
  return differences(one, other) === ''
}

function differences(retained: PoolValues, owner: PoolValues): string {
  const names = new Set([...Object.keys(retained ?? {}), ...Object.keys(owner ?? {})])
  return [...names]
    .filter((name) => JSON.stringify(retained?.[name]) !== JSON.stringify(owner?.[name]))
    .map((name) => `${name}: retained ${shown(retained?.[name])}, owner ${shown(owner?.[name])}`)
    .join('; ')
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
