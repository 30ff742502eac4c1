import { type ExactJson, type ExactObject, isExactMap, parseExact, WrittenNumber } from '../format/exact-json.ts'
import { type JsonValue, MAX_POOL_BYTES, ownValue, pathStep, put } from '../format/json.ts'
import { readMembers } from '../format/read-members.ts'
import { PersistError } from '../runtime/errors.ts'
import type { Steps } from '../runtime/slices.ts'

/** The patched value: null removes, objects are merged, everything else replaces (RFC 7396, 2). */
export function mergePatch<Value extends ExactJson>(target: Value | undefined, patch: Value): Value {
  if (!isExactMap(patch)) return patch
  const merged: ExactObject = {}
  if (isExactMap(target)) for (const name of Object.keys(target)) put(merged, name, target[name])
  for (const name of Object.keys(patch)) {
    const value = patch[name] as ExactJson
    if (value === null) delete merged[name]
    else put(merged, name, mergePatch(ownValue(merged, name), value))
  }
  return merged as Value
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
): Steps<ReadonlyMap<string, ExactJson>> {
  const refuse = (reason: string, cause?: unknown) =>
    new PersistError(
      'ERR_PERSIST_BAD_PAYLOAD',
      `What was asked of ${store} is not ${CALLED[kind]} of its variables: ${reason}. Nothing was changed.`,
      { store, bytes, cause },
    )
  const members = yield* readMembers(bytes, refuse, MAX_POOL_BYTES)
  if (kind === 'increment')
    for (const [name, by] of members)
      if (typeof by !== 'number' && !(by instanceof WrittenNumber))
        throw refuse(`what is to be added to ${JSON.stringify(name)} is no number`)
  return members
}

/**
 * What a variable is to be; undefined: removed.
 *
 * @param asked what the request has of it
 * @param current what it is; undefined: it does not exist, and counts as 0 where a number is added
 * @param currentText its JSON
 * @throws {PersistError} ERR_PERSIST_NOT_STORABLE: it is no number, or the sum is not finite, or a number in it one that
 * JavaScript rounds
 */
export function requested(
  kind: keyof typeof CALLED,
  name: string,
  asked: ExactJson,
  current: JsonValue | undefined,
  currentText: () => string | undefined = () => undefined,
): ExactJson | undefined {
  if (kind === 'increment') return sum(name, current === undefined ? 0 : current, currentText(), asked)
  if (kind !== 'patch') return asked
  return asked === null ? undefined : mergePatch<ExactJson>(current, asked)
}

function sum(name: string, before: JsonValue, text: string | undefined, asked: ExactJson): number {
  const by = asked instanceof WrittenNumber ? asked.value : (asked as number)
  const value = typeof before === 'number' ? before + by : Number.NaN
  const isRounded = isRoundedNumber(asked) || (text !== undefined && isRoundedNumber(parseExact(text)))
  if (Number.isFinite(value) && !isRounded && !isTooLong(before, by, value)) return value
  const rounded = 'cannot be added to exactly: JavaScript rounds integers beyond 2^53. Set it to the sum'
  const what = typeof before !== 'number' ? 'is no number' : Number.isFinite(value) ? rounded : `would become ${value}`
  const path = `pt${pathStep(name)}`
  throw new PersistError('ERR_PERSIST_NOT_STORABLE', `${path} ${what}; nothing was added.`, { path })
}

function isRoundedNumber(value: ExactJson): boolean {
  return value instanceof WrittenNumber && value.isRounded
}

/** Is the sum of two exact integers one that JavaScript may have rounded? */
function isTooLong(before: JsonValue, by: number, sum: number): boolean {
  return Number.isSafeInteger(before) && Number.isSafeInteger(by) && !Number.isSafeInteger(sum)
}
