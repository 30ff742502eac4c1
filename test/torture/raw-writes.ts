import { directEditsOf } from './direct-edits.ts'
import type { HistoryEvent, PoolValues } from './history.ts'
import type { Writes } from './schedule.ts'
import type { VariableWrite } from './variable-write.ts'

/** A whole pool that was written by who knows nothing of stores; or that a broker forgot, when it was killed. */
export interface RawWrite {
  readonly start: number
  readonly end: number
  readonly payload: PoolValues
  /** May it have written this variable, be it with an old value that it carried along? */
  mayHaveWritten(name: string): boolean
}

interface Period {
  readonly start: number
  readonly end: number
}

/** The saves that were confirmed: what was there before one began was known to the owner when it ended. */
interface Proof extends Period {
  readonly session: number
}

/**
 * The writes of the raw client, as far as an owner could not attend to them.
 *
 * Where nobody owns the pool, who writes the whole pool has written all of it: also the old values that it carries along.
 * An owner that lives, with or without a link, knows what it has saved, but not what editors wrote meanwhile without it;
 * nor that the pool was deleted meanwhile, where somebody has begun another one by the time that it is back.
 */
export function rawPoolsOf(events: readonly HistoryEvent[]): RawWrite[] {
  const proofs = proofsOf(events)
  const lives = livesOf(events)
  const directs = directOf(events)
  const outages = outagesOf(events)
  const knownAt = knownAtIn(proofs)
  const isAttended = ({ start, end }: Period) =>
    [...lives].some(([session, life]) => {
      if (life.start >= start || end >= life.end) return false
      return proofs.some((proof) => proof.session === session && proof.start > end)
    })
  return sentBy(events).map(({ values, isFixed, isDeletion, isPlain, payload, ...period }) => {
    const isMissed = outages.some(({ start, end }) => start < period.end && knownAt(end) > period.start)
    const isSeen = isAttended(period) && !(isDeletion && isMissed)
    const until = knownAt(period.end)
    const meetsDirect = (name: string) =>
      (directs.get(name) ?? []).some(({ start, end }) => start < until && knownAt(end) > period.start)
    const isMeant = (name: string) =>
      Object.hasOwn(values, name) || (isFixed && payload !== null) || (isPlain && Object.hasOwn(payload ?? {}, name))
    return { ...period, payload, mayHaveWritten: (name) => !isSeen || isMeant(name) || meetsDirect(name) }
  })
}

/**
 * Did somebody find no pool at this time, as it was deleted or forgotten, and the owner had not written it again?
 *
 * Whoever removes a variable then writes nothing that tells of it.
 */
export function emptyTimesOf(events: readonly HistoryEvent[]): (start: number, end: number) => boolean {
  const knownAt = knownAtOf(events)
  const empty = sentBy(events).filter(({ payload }) => payload === null)
  return (start, end) => empty.some((sent) => sent.start < end && knownAt(sent.end) > start)
}

/** What the raw client's writes may have done to each of these variables. */
export function* rawWritesOf(events: readonly HistoryEvent[], names: ReadonlySet<string>): Generator<VariableWrite> {
  const pools = rawPoolsOf(events)
  const all = new Set([...names, ...pools.flatMap(({ payload }) => Object.keys(payload ?? {}))])
  for (const { start, end, payload, mayHaveWritten } of pools) {
    for (const name of all) {
      if (mayHaveWritten(name)) yield { name, value: payload?.[name], start, end, isPromised: false }
    }
  }
}

interface Sent extends Period {
  readonly values: Writes
  readonly isFixed: boolean
  /** Deleted, or overwritten with something else than a pool. */
  readonly isDeletion: boolean
  /** It had read no `$rev`: all in it is its change. */
  readonly isPlain: boolean
  readonly payload: PoolValues
}

export function sentBy(events: readonly HistoryEvent[]): Sent[] {
  const begun = new Map<
    number,
    { start: number; end: number; values: Writes; isFixed: boolean; payload?: PoolValues }
  >()
  const sent: Sent[] = []
  for (const event of events) {
    if (event.type === 'raw') {
      const { at: start, values, isFixed } = event
      begun.set(event.id, { start, end: Number.POSITIVE_INFINITY, values, isFixed })
    } else if (event.type === 'raw-sent') {
      const write = begun.get(event.id)
      const { payload, isPlain = false } = event
      if (write) sent.push(Object.assign(write, { payload, isPlain, isDeletion: payload === null }))
    } else if (event.type === 'ok') {
      const write = begun.get(event.id)
      if (write) write.end = event.at
    } else if (event.type === 'broker-killed' && event.forgets) {
      sent.push({
        start: event.at,
        end: event.at,
        values: {},
        isFixed: false,
        isDeletion: false,
        isPlain: false,
        payload: null,
      })
    }
  }
  return sent
}

/** In the order of their ends. */
function proofsOf(events: readonly HistoryEvent[]): Proof[] {
  const saves = new Map<number, { session: number; start: number }>()
  const proofs: Proof[] = []
  for (const event of events) {
    if (event.type === 'set' && event.save) saves.set(event.id, { session: event.session, start: event.at })
    else if (event.type === 'quiet') proofs.push({ session: event.session, start: event.at, end: event.at })
    else if (event.type === 'ok') {
      const save = saves.get(event.id)
      if (save) proofs.push({ ...save, end: event.at })
    }
  }
  return proofs
}

/** When an owner knows for sure what was there at a time. */
export function knownAtOf(events: readonly HistoryEvent[]): (at: number) => number {
  return knownAtIn(proofsOf(events))
}

/** It is asked for the same times again and again. */
function knownAtIn(proofs: readonly Proof[]): (at: number) => number {
  const known = new Map<number, number>()
  return (at) => {
    const end = known.get(at) ?? proofs.find(({ start }) => start > at)?.end ?? Number.POSITIVE_INFINITY
    known.set(at, end)
    return end
  }
}

/** When the owner could not, or perhaps could not, see what others wrote. */
export function outagesOf(events: readonly HistoryEvent[]): Period[] {
  const outages: Period[] = []
  let broken = 0
  // An owner whose link was cut takes a while to connect again.
  let isOffline = false
  let start: number | undefined
  for (const event of events) {
    // Faults overlap.
    if (event.type === 'owner-link') broken += event.isBroken ? 1 : -1
    else if (event.type === 'owner-up') isOffline = false
    else if (event.type === 'note' && event.text === 'status offline') isOffline = true
    else if (event.type === 'note' && event.text === 'status ready') isOffline = false
    const isBroken = broken > 0 || isOffline
    if (isBroken) start ??= event.at
    else if (start !== undefined) {
      outages.push({ start, end: event.at })
      start = undefined
    }
  }
  return start === undefined ? outages : [...outages, { start, end: Number.POSITIVE_INFINITY }]
}

/** From when an owner was up until it was killed, by its session. */
function livesOf(events: readonly HistoryEvent[]): Map<number, { start: number; end: number }> {
  const lives = new Map<number, { start: number; end: number }>()
  for (const event of events) {
    if (event.type === 'owner-up') lives.set(event.session, { start: event.at, end: Number.POSITIVE_INFINITY })
    else if (event.type === 'owner-killed') {
      const life = lives.get(event.session)
      if (life) life.end = event.at
    }
  }
  return lives
}

/** When editors wrote variables themselves, or may have, by name. */
function directOf(events: readonly HistoryEvent[]): Map<string, Period[]> {
  const byName = new Map<string, Period[]>()
  for (const { names, ...period } of directEditsOf(events)) {
    for (const name of names) byName.set(name, [...(byName.get(name) ?? []), period])
  }
  return byName
}
