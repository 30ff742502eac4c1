import { NO_LISTENER } from '../backends/no-listener.ts'
import type { Backend } from '../contracts/backend.ts'
import { PersistError } from '../runtime/errors.ts'
import type { ResolvedOptions } from '../store/options.ts'

/** Another writer may write at the same moment: the pool is written again, up to so many times. */
const ATTEMPTS = 5

/**
 * Replaces a pool by these bytes as they are; resolves when the broker holds them.
 *
 * @throws {PersistError} as a store's save(); ERR_PERSIST_FAILED: another writer goes on writing it
 */
export async function writePool(
  backend: Backend,
  bytes: Uint8Array,
  { openTimeoutMs, saveTimeoutMs }: Pick<ResolvedOptions, 'openTimeoutMs' | 'saveTimeoutMs'>,
): Promise<void> {
  await backend.open(NO_LISTENER, openTimeoutMs)
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if ((await backend.write(bytes, saveTimeoutMs)) === 'written') return
    }
  } finally {
    await backend.close()
  }
  const text = `The pool at ${backend.place} was not replaced: somebody else goes on writing it.`
  throw new PersistError('ERR_PERSIST_FAILED', text, { store: backend.place })
}
