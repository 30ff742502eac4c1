import { isMap, type JsonObject, type JsonValue, MAX_POOL_BYTES, ownValue, pathStep, put } from '../format/json.ts'
import { decodeObject } from '../format/payload.ts'
import { PersistError } from '../runtime/errors.ts'

type Refuse = (reason: string, cause?: unknown) => PersistError

/** Variables and what they become; undefined: removed. */
export type Edits = ReadonlyMap<string, JsonValue | undefined>

/** The patched value: null removes, objects are merged, everything else replaces (RFC 7396, 2). */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isMap(patch)) return patch
  const merged: JsonObject = {}
  if (isMap(target)) for (const name of Object.keys(target)) put(merged, name, target[name])
  for (const name of Object.keys(patch)) {
    const value = patch[name] as JsonValue
    if (value === null) delete merged[name]
    else put(merged, name, mergePatch(ownValue(merged, name), value))
  }
  return merged
}

/**
 * The edits of a merge patch of a whole pool.
 *
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD
 */
export function patchEdits(bytes: Uint8Array, current: (name: string) => JsonValue | undefined, store: string): Edits {
  const refuse = (reason: string, cause?: unknown) => badRequest('a merge patch', bytes, reason, store, cause)
  const edits = new Map<string, JsonValue | undefined>()
  for (const [name, value] of membersOf(bytes, refuse))
    edits.set(name, value === null ? undefined : mergePatch(current(name), value))
  return edits
}

/**
 * The edits that set variables as a whole.
 *
 * @param others names of variables to remove unless they are set
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD
 */
export function assignEdits(bytes: Uint8Array, others: Iterable<string>, store: string): Edits {
  const refuse = (reason: string, cause?: unknown) => badRequest('an object', bytes, reason, store, cause)
  const edits = new Map<string, JsonValue | undefined>()
  for (const name of others) edits.set(name, undefined)
  for (const [name, value] of membersOf(bytes, refuse)) edits.set(name, value)
  return edits
}

/**
 * The edits that add numbers to variables; a missing variable counts as 0.
 *
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD; ERR_PERSIST_NOT_STORABLE: a variable is no number, or the sum not finite
 */
export function incrementEdits(
  bytes: Uint8Array,
  current: (name: string) => JsonValue | undefined,
  store: string,
): ReadonlyMap<string, number> {
  const refuse = (reason: string, cause?: unknown) => badRequest('an increment', bytes, reason, store, cause)
  const sums = new Map<string, number>()
  for (const [name, by] of membersOf(bytes, refuse)) {
    if (typeof by !== 'number') throw refuse(`what is to be added to ${JSON.stringify(name)} is no number`)
    // Not `??`: null is a value, and no number.
    const before = current(name) === undefined ? 0 : current(name)
    const value = typeof before === 'number' ? before + by : Number.NaN
    if (!Number.isFinite(value)) {
      const what = typeof before === 'number' ? `would become ${value}` : 'is no number'
      const path = `pt${pathStep(name)}`
      throw new PersistError('ERR_PERSIST_NOT_STORABLE', `${path} ${what}; nothing was added.`, { store, path })
    }
    sums.set(name, value)
  }
  return sums
}

/** One after the other: the engine takes far longer to list the members of a large object with their values. */
function* membersOf(bytes: Uint8Array, refuse: Refuse): Iterable<[name: string, value: JsonValue]> {
  const { names, values } = decodeObject(bytes, refuse, MAX_POOL_BYTES)
  for (const name of names) yield [name, values[name] as JsonValue]
}

function badRequest(what: string, bytes: Uint8Array, reason: string, store: string, cause: unknown): PersistError {
  return new PersistError(
    'ERR_PERSIST_BAD_PAYLOAD',
    `What was asked of ${store} is not ${what} of its variables: ${reason}. Nothing was changed.`,
    { store, bytes, ...(cause === undefined ? {} : { cause }) },
  )
}
