import { type JsonValue, pathStep } from '../format/json.ts'
import { payloadOf } from '../format/payload.ts'
import type { LivePools } from './live-pools.ts'
import type { SearchResult } from './protocol.ts'

const MOST_POOLS = 1000
const MOST_PATHS = 5

/** The pools with a text in their name, variables or values; upper and lower case are the same. */
export function search(livePools: LivePools, wanted: string): SearchResult {
  const text = wanted.toLowerCase()
  const matches: [pool: string, paths: readonly string[]][] = []
  for (const name of livePools.names) {
    const paths = matchesIn(livePools.bytesOf(name) ?? new Uint8Array(), text)
    if (paths.length === 0 && !name.toLowerCase().includes(text)) continue
    if (matches.length === MOST_POOLS) return { matches, isCut: true }
    matches.push([name, paths])
  }
  return { matches, isCut: false }
}

const decoder = new TextDecoder()

function matchesIn(bytes: Uint8Array, text: string): string[] {
  const pool = decoder.decode(bytes).toLowerCase()
  // Most pools do not match, and searching the raw text is far cheaper than decoding it. It cannot decide where the
  // pool has escapes, or where the wanted text has brackets, dots or quotes, which paths have and pools need not.
  if (!pool.includes(text) && !pool.includes('\\') && /^[\p{L}\p{N} _-]*$/u.test(text)) return []
  const paths: string[] = []
  for (const [name, value] of Object.entries(payloadOf(bytes)?.values ?? {})) walk(name, value, text, paths)
  return paths
}

function walk(path: string, value: JsonValue, text: string, paths: string[]): void {
  if (paths.length >= MOST_PATHS) return
  const isInner = typeof value === 'object' && value !== null
  if (path.toLowerCase().includes(text) || (!isInner && String(value).toLowerCase().includes(text))) paths.push(path)
  else if (Array.isArray(value)) value.forEach((one, index) => void walk(`${path}[${index}]`, one, text, paths))
  else if (isInner) for (const [name, one] of Object.entries(value)) walk(path + pathStep(name), one, text, paths)
}
