import type { JournalEntry } from '../contracts/journal.ts'
import { type JsonValue, ownValue, sameJson } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import type { Payload } from '../format/payload.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import { mergeVariable, type OnConflict } from './three-way.ts'

/** A variable of a journal, merged with the pool. */
export interface Recovered {
  /** Undefined: the variable does not exist. */
  readonly value: JsonValue | undefined
  /** Both sides, where another writer has changed it too. */
  readonly conflict?: { readonly local: JsonValue | undefined; readonly remote: JsonValue | undefined }
  /** `onConflict` threw; the journal's value stays, as it does by default. */
  readonly error?: PersistError
}

/**
 * Merges a variable of a journal with the pool that the backend holds now.
 *
 * Three-way, as with another writer of a running store: base is what was confirmed, local what the journal has.
 */
export function recovered(
  name: string,
  { text, base, sent }: JournalEntry,
  pool: Payload,
  { onConflict, storeName }: { readonly onConflict: OnConflict; readonly storeName: string },
): Recovered {
  const local = parsed(text)
  const remote = ownValue(pool.values, name)
  // An unconfirmed write may have landed: then the remote value is this program's own, and no other writer's change.
  const isOwn = sent.some((one) => sameJson(parsed(one), remote))
  try {
    const merged = mergeVariable({ name, base: isOwn ? remote : parsed(base), local, remote }, onConflict)
    const conflict = merged.conflict ? { conflict: { local, remote } } : {}
    if (merged.take === 'other') return { value: merged.value, ...conflict }
    return { value: merged.take === 'local' ? local : remote, ...conflict }
  } catch (thrown) {
    return { value: local, conflict: { local, remote }, error: asPersistError(thrown, storeName, 'merged') }
  }
}

function parsed(text: string | undefined): JsonValue | undefined {
  return text === undefined ? undefined : parseJson(text)
}
