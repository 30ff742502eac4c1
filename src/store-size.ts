import { PersistError } from './errors.ts'
import type { Variables } from './variables.ts'

/** Throws ERR_PERSIST_TOO_LARGE, naming the largest variables, for a pool over the limit; both in bytes. */
export function checkSize(sizeBytes: number, limitBytes: number, variables: Variables, store: string): void {
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
