import { type JsonValue, sameJson } from '../format/json.ts'

/** One variable on three sides; undefined: it does not exist there. */
export interface Sides {
  readonly name: string
  /** What the backend was last known to hold. */
  readonly base: JsonValue | undefined
  /** What this program has. */
  readonly local: JsonValue | undefined
  /** What another writer has just written. */
  readonly remote: JsonValue | undefined
}

/** What a variable becomes that both sides have changed: the value of a side, or what the function returns (undefined removes). */
export type OnConflict = 'local' | 'remote' | ((sides: Sides) => JsonValue | undefined)

/** The outcome: both sides agree, the value of one side, or another value that `onConflict` returned. */
export type Merged =
  | { readonly take: 'same'; readonly conflict: false }
  | { readonly take: 'local' | 'remote'; readonly conflict: boolean }
  | { readonly take: 'other'; readonly conflict: true; readonly value: JsonValue | undefined }

/**
 * Merges one variable three-way: the side that changed it wins; where both did, `onConflict` decides.
 *
 * @param isChanged the program has changed it, even if back to `base`
 */
export function mergeVariable(sides: Sides, onConflict: OnConflict, isChanged = false): Merged {
  const { base, local, remote } = sides
  if (sameJson(local, remote)) return { take: 'same', conflict: false }
  if (sameJson(base, remote)) return { take: 'local', conflict: false }
  if (sameJson(base, local) && !isChanged) return { take: 'remote', conflict: false }
  if (typeof onConflict === 'string') return { take: onConflict, conflict: true }
  return { take: 'other', conflict: true, value: onConflict(sides) }
}
