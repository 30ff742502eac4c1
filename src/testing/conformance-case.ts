import { encodeText } from '../format/bytes.ts'
import type { Bench } from './bench.ts'

/** One test of the suite, run on a place of its own. */
export interface Case {
  readonly name: string
  readonly run: (bench: Bench) => Promise<void>
}

/** A small pool, as a store would write it. */
export function pool(...values: (number | string)[]): Uint8Array {
  return encodeText(JSON.stringify({ values }))
}
