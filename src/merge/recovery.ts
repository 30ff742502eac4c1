import type { JournalEntry } from '../contracts/journal.ts'
import { type JsonValue, ownValue, sameJson } from '../format/json.ts'
import { parseJson } from '../format/parse-json.ts'
import type { Payload } from '../format/payload.ts'
import { asPersistError, type PersistError } from '../runtime/errors.ts'
import { mergeVariable, type OnConflict } from './three-way.ts'

/** What becomes of a variable that a journal has. */
export interface Recovered {
  /** Its value; undefined: there is no such variable. */
  readonly value: JsonValue | undefined
  /** Where somebody else has changed it too: both sides. */
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
  // What was sent and never answered may have landed: it is nobody else's change.
  const ours = sent.find((one) => sameJson(parsed(one), remote))
  const isOurs = ours !== undefined || (remote === undefined && sent.includes(undefined))
  try {
    const merged = mergeVariable({ name, base: isOurs ? remote : parsed(base), local, remote }, onConflict)
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
