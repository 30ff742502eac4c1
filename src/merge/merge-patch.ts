import { isMap, type JsonObject, type JsonValue, MAX_POOL_BYTES, ownValue, pathStep, put } from '../format/json.ts'
import { readMembers } from '../format/read-members.ts'
import { PersistError } from '../runtime/errors.ts'
import type { Steps } from '../runtime/slices.ts'

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

/** What the bytes of a request of a kind are called, for messages. */
const CALLED = { patch: 'a merge patch', increment: 'an increment', assign: 'an object', replace: 'an object' } as const

/**
 * Reads what an editor asks for, in steps.
 *
 * @throws {PersistError} ERR_PERSIST_BAD_PAYLOAD
 */
export function* readRequest(
  kind: keyof typeof CALLED,
  bytes: Uint8Array,
  store: string,
): Steps<ReadonlyMap<string, JsonValue>> {
  const refuse = (reason: string, cause?: unknown) =>
    new PersistError(
      'ERR_PERSIST_BAD_PAYLOAD',
      `What was asked of ${store} is not ${CALLED[kind]} of its variables: ${reason}. Nothing was changed.`,
      { store, bytes, ...(cause === undefined ? {} : { cause }) },
    )
  const members = yield* readMembers(bytes, refuse, MAX_POOL_BYTES)
  if (kind === 'increment')
    for (const [name, by] of members)
      if (typeof by !== 'number') throw refuse(`what is to be added to ${JSON.stringify(name)} is no number`)
  return members
}

/**
 * What a variable is to be; undefined: removed.
 *
 * @param asked what the request has of it
 * @param current what it is; undefined: it does not exist, and counts as 0 where a number is added
 * @throws {PersistError} ERR_PERSIST_NOT_STORABLE: it is no number, or the sum is not finite
 */
export function requested(
  kind: keyof typeof CALLED,
  name: string,
  asked: JsonValue,
  current: JsonValue | undefined,
): JsonValue | undefined {
  if (kind === 'increment') return sum(name, current === undefined ? 0 : current, asked as number)
  if (kind !== 'patch') return asked
  return asked === null ? undefined : mergePatch(current, asked)
}

function sum(name: string, before: JsonValue, by: number): number {
  const value = typeof before === 'number' ? before + by : Number.NaN
  if (Number.isFinite(value)) return value
  const what = typeof before === 'number' ? `would become ${value}` : 'is no number'
  const path = `pt${pathStep(name)}`
  throw new PersistError('ERR_PERSIST_NOT_STORABLE', `${path} ${what}; nothing was added.`, { path })
}
