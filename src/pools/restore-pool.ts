import { sameBytes } from '../format/bytes.ts'
import { decodePayload } from '../format/payload.ts'
import { type EditWay, openEditor } from '../index.ts'
import type { OwnerKind } from './owners.ts'
import { poolChanges } from './pool-changes.ts'
import type { Pools } from './pools.ts'

/** So many pools are restored at once. */
const AT_ONCE = 8

/** Does something for each pool, several at once: each mostly waits for the broker. */
export async function severalAtOnce<Pool>(pools: readonly Pool[], work: (pool: Pool) => Promise<void>): Promise<void> {
  const waiting = pools.values()
  const worker = async () => {
    for (const pool of waiting) await work(pool)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/**
 * Makes a pool what these bytes say: by asking the program that owns it, else byte for byte.
 *
 * @param how 'replace', or 'assign': the owner keeps its other variables
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD: a program owns it, and the bytes are no pool; as an editor's
 * replace()
 */
export async function restorePool(
  pools: Pools,
  name: string,
  bytes: Uint8Array,
  owner: OwnerKind,
  how: 'replace' | 'assign' = 'replace',
): Promise<EditWay> {
  if (owner !== 'program') {
    await pools.write(name, bytes)
    return 'direct'
  }
  const { values } = decodePayload(bytes, `'${name}'`)
  const editor = await openEditor(pools.optionsOf(name))
  try {
    const { way } = await editor[how](values)
    return way
  } finally {
    await editor.close()
  }
}

/** Does the broker hold this pool now? By value: an owner may write the same values as another text. */
export async function isThere(pools: Pools, name: string, bytes: Uint8Array): Promise<boolean> {
  const { bytes: held } = await pools.read(name)
  if (sameBytes(held, bytes)) return true
  return held !== null && poolChanges(decodePayload(bytes, name), decodePayload(held, name)).length === 0
}
