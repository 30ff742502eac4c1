import { PersistError } from './errors.ts'
import { type JsonObject, MAX_POOL_BYTES } from './json.ts'
import type { ResolvedOptions } from './options.ts'
import { validated } from './schema.ts'

/** A pool that is to be sent; what is costly to make is made where it is needed. */
export interface PoolToSend {
  readonly sizeBytes: number
  readonly texts: () => Iterable<readonly [name: string, text: string]>
  readonly values: () => Readonly<JsonObject>
}

/** The largest pool that is read, in bytes: a smaller `maxBytes` is for what is saved, and the way there is to read it. */
export function readLimit({ maxBytes }: Pick<ResolvedOptions, 'maxBytes'>): number {
  return Math.max(maxBytes, MAX_POOL_BYTES)
}

/** Throws ERR_PERSIST_TOO_LARGE, naming the largest variables, for a pool over the limit in bytes. */
function checkSize({ sizeBytes, texts }: PoolToSend, limitBytes: number, store: string): void {
  if (sizeBytes <= limitBytes) return
  const sizes = Array.from(texts(), ([name, { length }]) => ({ name, length }))
  const largest = sizes.sort((a, b) => b.length - a.length).slice(0, 3)
  const named = largest.map(({ name, length }) => `${JSON.stringify(name)} (${length})`).join(', ')
  throw new PersistError(
    'ERR_PERSIST_TOO_LARGE',
    `Store ${store} was not saved: the pool has ${sizeBytes} bytes, the limit is ${limitBytes}. ` +
      `Its largest variables, in characters: ${named}.`,
    { store, sizeBytes, limitBytes },
  )
}

/** Throws what keeps a pool from being sent: too large for this store or its backend, not what the schema describes. */
export function checkPool(
  pool: PoolToSend,
  { maxBytes, schema }: Pick<ResolvedOptions, 'maxBytes' | 'schema'>,
  limitBytes: number | undefined,
  store: string,
): void {
  checkSize(pool, Math.min(maxBytes, limitBytes ?? maxBytes), store)
  if (schema !== undefined) validated(pool.values(), schema, store)
}
