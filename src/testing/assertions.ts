import { sameBytes } from '../format/bytes.ts'
import { PersistError, type PersistErrorCode } from '../runtime/errors.ts'
import { within } from '../runtime/promises.ts'

// Assertions of our own: browsers have no node:assert, and each test runner has others.

export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

/** Compares bytes by value; arrays of another class with the same bytes are equal. */
export function checkBytes(actual: Uint8Array | null, expected: Uint8Array | null, what: string): void {
  check(sameBytes(actual, expected), `${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

/** The rejection of a promise, which must be a PersistError with one of these codes; without codes, with any. */
export async function checkRejected(
  promise: Promise<unknown>,
  what: string,
  ...codes: PersistErrorCode[]
): Promise<PersistError> {
  const outcome = await settled(promise)
  if ('value' in outcome) throw new Error(`${what}: expected a rejection, but it resolved to ${shown(outcome.value)}`)
  const { reason } = outcome
  check(
    reason instanceof PersistError,
    `${what}: expected a PersistError (of persist-mqtt itself, not a copy), got ${shown(reason)}`,
  )
  check(
    codes.length === 0 || codes.includes(reason.code),
    `${what}: expected ${codes.join(' or ')}, got ${reason.code}: ${reason.message}`,
  )
  return reason
}

/** How a promise ended. */
export type Outcome<Value> = { readonly value: Value } | { readonly reason: unknown }

export function settled<Value>(promise: Promise<Value>): Promise<Outcome<Value>> {
  return promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  )
}

/** Rejects if a promise does not settle in time. */
export function inTime<Value>(promise: Promise<Value>, limitMs: number, what: string): Promise<Value> {
  return within(promise, limitMs, () => new Error(`${what}: it did not settle within ${limitMs} ms`))
}

const SHOWN_BYTES = 40

function shown(value: unknown): string {
  if (value instanceof Uint8Array) {
    const text = JSON.stringify(new TextDecoder().decode(value.subarray(0, SHOWN_BYTES)))
    return `${value.length} bytes ${text}${value.length > SHOWN_BYTES ? '…' : ''}`
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'string' ? `'${value}'` : String(value)
}
