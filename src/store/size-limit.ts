import { deviceLimit } from '../format/device.ts'
import { type JsonObject, MAX_POOL_BYTES } from '../format/json.ts'
import { PersistError } from '../runtime/errors.ts'
import { advise } from '../runtime/warning.ts'
import type { StoreContext } from './context.ts'
import type { ResolvedOptions } from './options.ts'

/** A device's pool of more bytes is nearly full: a longer name or a few more digits, and the store refuses it. */
const NEARLY_FULL_BYTES = 1000

/** A pool that is to be saved; functions, since texts and values are costly to make and rarely needed. */
export interface PoolToSave {
  readonly sizeBytes: number
  readonly texts: () => Iterable<readonly [name: string, text: string]>
  readonly values: () => Readonly<JsonObject>
}

/** The largest pool that a store reads, in bytes. A smaller `maxBytes` limits saves alone: who removes must read first. */
export function readLimit({ maxBytes }: Pick<ResolvedOptions, 'maxBytes'>): number {
  return Math.max(maxBytes, MAX_POOL_BYTES)
}

/** @throws {PersistError} ERR_PERSIST_TOO_LARGE, naming the largest variables */
export function checkSize({ sizeBytes, texts }: PoolToSave, limitBytes: number, store: string): void {
  if (sizeBytes <= limitBytes) return
  throw new PersistError(
    'ERR_PERSIST_TOO_LARGE',
    `Store ${store} was not saved: the pool has ${sizeBytes} bytes, the limit is ${limitBytes}. ${largest(texts())}`,
    { store, sizeBytes, limitBytes },
  )
}

function largest(texts: Iterable<readonly [name: string, text: string]>): string {
  const sizes = Array.from(texts, ([name, { length }]) => ({ name, length }))
  const first = sizes.sort((a, b) => b.length - a.length).slice(0, 3)
  const named = first.map(({ name, length }) => `${JSON.stringify(name)} (${length})`)
  return `Its largest variables, in characters: ${named.join(', ')}.`
}

/** Warns when a pool becomes nearly too large for the device that reads it; again only if it was smaller meanwhile. */
export function adviseOnSize({ storeName, options, events, unsaved }: StoreContext): void {
  let isWarned = false
  events.on('save', ({ sizeBytes }) => {
    const isNearlyFull = sizeBytes > NEARLY_FULL_BYTES
    if (isNearlyFull && !isWarned) {
      advise(
        'WARN_PERSIST_NEARLY_FULL',
        `The pool of ${storeName} has ${sizeBytes} bytes; a Tasmota device loads none over ${deviceLimit(options.topic)}. ` +
          `${largest(unsaved.texts())} Remove or shorten some, or keep them in a pool of their own.`,
      )
    }
    isWarned = isNearlyFull
  })
}
