import { PersistError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import { validated } from './schema.ts'
import type { Variables } from './variables.ts'

/** Throws ERR_PERSIST_TOO_LARGE, naming the largest variables, for a pool over the limit; both in bytes. */
function checkSize(sizeBytes: number, limitBytes: number, variables: Variables, store: string): void {
  if (sizeBytes <= limitBytes) return
  const sizes = variables.names().map((name) => ({ name, length: variables.text(name)?.length ?? 0 }))
  const largest = sizes.sort((a, b) => b.length - a.length).slice(0, 3)
  const named = largest.map(({ name, length }) => `${JSON.stringify(name)} (${length})`).join(', ')
  throw new PersistError(
    'ERR_PERSIST_TOO_LARGE',
    `Store ${store} was not saved: the pool has ${sizeBytes} bytes, the limit is ${limitBytes}. ` +
      `Its largest variables, in characters: ${named}.`,
    { store, sizeBytes, limitBytes },
  )
}

/** What checking a pool needs of the store around it. */
interface CheckHost {
  readonly label: string
  readonly options: ResolvedOptions
  readonly variables: Variables
}

/** Throws what keeps a pool from being sent: too large for this store or its backend, not what the schema describes. */
export function checkPool(
  sizeBytes: number,
  limitBytes: number | undefined,
  { label, options, variables }: CheckHost,
): void {
  const { maxBytes, schema } = options
  checkSize(sizeBytes, Math.min(maxBytes, limitBytes ?? maxBytes), variables, label)
  if (schema !== undefined) validated(variables.snapshot(), schema, label)
}
