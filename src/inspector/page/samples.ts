import { type Signal, signal } from '@preact/signals'
import { type JsonNode, type Path, parseTree, pathText } from './json-tree.ts'
import { poolHistory } from './requests.ts'

/** How many values of a number are kept. */
const MOST = 2000

/** A number over time. */
export interface Series {
  readonly pool: string
  readonly path: string
  /** Times in milliseconds since 1970, and the values at those times. */
  readonly times: number[]
  readonly values: number[]
}

const all = new Map<string, Series>()
/** The pools whose numbers are recorded: those that were opened. New values wait here while the history is requested. */
const followed = new Map<string, [variable: string, text: string, time: number][] | undefined>()
/** How far this clock is ahead of the server's, in milliseconds: the smallest difference that was seen. */
let ahead = Number.POSITIVE_INFINITY
/** Goes up with each new value. */
export const samplesVersion: Signal<number> = signal(0)

const keyOf = (pool: string, path: string) => `${pool.length}:${pool}${path}`

/** The keys of the numbers in the large chart. */
export const pinned: Signal<readonly string[]> = signal(readPinned())

export function seriesOf(pool: string, path: string): Series | undefined {
  return all.get(keyOf(pool, path))
}

/** A number that was pinned. */
export interface PinnedNumber {
  readonly pool: string
  readonly path: string
  /** Undefined: no value is known. */
  readonly series: Series | undefined
  /** Which line of the chart it is. */
  readonly place: number | undefined
}

export function pinnedNumbers(): PinnedNumber[] {
  let lines = 0
  return pinned.value.map((key) => {
    const [length = '0'] = key.split(':', 1)
    const start = length.length + 1
    const [pool, path] = [key.slice(start, start + Number(length)), key.slice(start + Number(length))]
    const series = all.get(key)
    return { pool, path, series, place: series && lines++ }
  })
}

export function pinnedSeries(): Series[] {
  return pinned.value.flatMap((key) => all.get(key) ?? [])
}

/** The time of the server's clock, in milliseconds since 1970, which all changes have. */
export function serverNow(): number {
  return Date.now() - (Number.isFinite(ahead) ? ahead : 0)
}

export function isPinned(pool: string, path: string): boolean {
  return pinned.value.includes(keyOf(pool, path))
}

export function togglePin(pool: string, path: string): void {
  const key = keyOf(pool, path)
  pinned.value = pinned.value.includes(key) ? pinned.value.filter((one) => one !== key) : [...pinned.value, key]
  sessionStorage.setItem('pinned', JSON.stringify(pinned.value))
}

function readPinned(): string[] {
  try {
    const keys: unknown = JSON.parse(sessionStorage.getItem('pinned') ?? '[]')
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
  } catch {
    return []
  }
}

/** Records the numbers of a pool from now on, and those of its history at the server. */
export async function followNumbers(pool: string): Promise<void> {
  if (!followed.has(pool)) await readPast(pool)
}

/** Reads the histories again, after a gap in the events. */
export function followAgain(): void {
  for (const pool of followed.keys()) void readPast(pool)
}

async function readPast(pool: string): Promise<void> {
  const waiting: [variable: string, text: string, time: number][] = []
  followed.set(pool, waiting)
  const states = await poolHistory(pool).catch(() => [])
  // There is a later request, whose response has everything.
  if (followed.get(pool) !== waiting) return
  followed.set(pool, undefined)
  for (const { since, text } of states) {
    try {
      if (text !== null) walk(pool, [], parseTree(text), since)
    } catch {
      // That state is no pool.
    }
  }
  for (const [variable, text, time] of waiting) walk(pool, [variable], parseTree(text), time)
  samplesVersion.value++
}

/** Records a change of a variable, with the server's time of it. */
export function record(pool: string, variable: string, text: string, time: number): void {
  ahead = Math.min(ahead, Date.now() - time)
  if (!followed.has(pool)) return
  const waiting = followed.get(pool)
  if (waiting !== undefined) {
    waiting.push([variable, text, time])
    return
  }
  walk(pool, [variable], parseTree(text), time)
  samplesVersion.value++
}

function walk(pool: string, path: Path, node: JsonNode, time: number): void {
  if (node.kind === 'number') add(pool, pathText(path), time, Number(node.source))
  else if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) walk(pool, [...path, index], item, time)
  else if (node.kind === 'map') for (const [name, item] of node.entries) walk(pool, [...path, name], item, time)
}

function add(pool: string, path: string, time: number, value: number): void {
  // JSON can have numbers that JavaScript cannot: 1e999.
  if (!Number.isFinite(value)) return
  const key = keyOf(pool, path)
  const series = all.get(key) ?? { pool, path, times: [], values: [] }
  all.set(key, series)
  const last = series.times.at(-1)
  if (last !== undefined && time < last) return
  if (last === time) {
    series.values[series.values.length - 1] = value
    return
  }
  if (series.values.at(-1) === value && series.times.length > 1 && series.values.at(-2) === value) {
    // A horizontal line needs only its two ends.
    series.times[series.times.length - 1] = time
    return
  }
  series.times.push(time)
  series.values.push(value)
  if (series.times.length > MOST) {
    series.times.splice(0, MOST / 2)
    series.values.splice(0, MOST / 2)
  }
}
