import { type Signal, signal } from '@preact/signals'
import { type JsonNode, type Path, parseTree, pathText } from './json-tree.ts'
import { poolHistory } from './requests.ts'

/** So many values of a number are kept. */
const MOST = 2000

/** A number over time. */
export interface Series {
  readonly pool: string
  readonly path: string
  /** In milliseconds since 1970, and the values at those times. */
  readonly times: number[]
  readonly values: number[]
}

const all = new Map<string, Series>()
/** Only the numbers of pools that were looked at are noted. While their past is asked for, what is new waits here. */
const followed = new Map<string, [variable: string, text: string, time: number][] | undefined>()
/** How far the clock here is ahead of the server's, in milliseconds, at most: the least that was seen. */
let ahead = Number.POSITIVE_INFINITY
/** Changes when there is a new value. */
export const samplesVersion: Signal<number> = signal(0)

const keyOf = (pool: string, path: string) => `${pool.length}:${pool}${path}`

/** The numbers in the large chart, by their keys. */
export const pinned: Signal<readonly string[]> = signal(readPinned())

export function seriesOf(pool: string, path: string): Series | undefined {
  return all.get(keyOf(pool, path))
}

/** A number that was pinned. */
export interface PinnedNumber {
  readonly pool: string
  readonly path: string
  /** Undefined: nothing is known of it, or not any more. */
  readonly series: Series | undefined
  /** Which of the lines it is. */
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

/** The time by the server's clock, in milliseconds since 1970: all times of changes are its. */
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

/** Notes the numbers of a pool from now on, and what the server knows of their past. */
export async function followNumbers(pool: string): Promise<void> {
  if (!followed.has(pool)) await readPast(pool)
}

/** After a gap: what happened meanwhile. */
export function followAgain(): void {
  for (const pool of followed.keys()) void readPast(pool)
}

async function readPast(pool: string): Promise<void> {
  const waiting: [variable: string, text: string, time: number][] = []
  followed.set(pool, waiting)
  const states = await poolHistory(pool).catch(() => [])
  // Asked for once more meanwhile: that answer has all.
  if (followed.get(pool) !== waiting) return
  followed.set(pool, undefined)
  for (const { since, text } of states) {
    try {
      if (text !== null) walk(pool, [], parseTree(text), since)
    } catch {
      // It was no pool then.
    }
  }
  for (const [variable, text, time] of waiting) walk(pool, [variable], parseTree(text), time)
  samplesVersion.value++
}

/** A variable has changed, at that time of the server. */
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
  // JSON has numbers that JavaScript has not: 1e999.
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
    // A line needs its two ends only.
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
