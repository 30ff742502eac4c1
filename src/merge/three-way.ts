import { type JsonValue, sameJson } from '../format/json.ts'

/** One variable as three sides have it; undefined: it is not there. */
export interface Sides {
  readonly name: string
  /** As the backend was last known to hold it. */
  readonly base: JsonValue | undefined
  /** As this program has it. */
  readonly local: JsonValue | undefined
  /** As somebody else has just written it. */
  readonly remote: JsonValue | undefined
}

/** Decides about a variable that both sides have changed: a side, or a function that returns the value it gets. */
export type OnConflict = 'local' | 'remote' | ((sides: Sides) => JsonValue | undefined)

/** What becomes of a variable: all have the same, ours stays, theirs is taken, or another value that was decided on. */
export type Merged =
  | { readonly take: 'same'; readonly conflict: false }
  | { readonly take: 'local' | 'remote'; readonly conflict: boolean }
  | { readonly take: 'other'; readonly conflict: true; readonly value: JsonValue | undefined }

/**
 * Merges one variable three-way: changed by one side only, that side has it; by both, `onConflict` decides.
 *
 * @param isChanged the local side has changed it, even if it is as it was
 */
export function mergeVariable(sides: Sides, onConflict: OnConflict, isChanged = false): Merged {
  const { base, local, remote } = sides
  if (sameJson(local, remote)) return { take: 'same', conflict: false }
  if (sameJson(base, remote)) return { take: 'local', conflict: false }
  if (sameJson(base, local) && !isChanged) return { take: 'remote', conflict: false }
  if (typeof onConflict === 'string') return { take: onConflict, conflict: true }
  return { take: 'other', conflict: true, value: onConflict(sides) }
}
