import { PersistError } from '../runtime/errors.ts'
import { isReservedName } from '../store/members.ts'

/** What React's `use()` notes on a promise. */
const NOTED_BY_REACT: readonly string[] = ['status', 'value', 'reason']

/**
 * A promise that refuses to be taken for the store that it resolves with: where `await` was forgotten, it would take
 * variables, and save none.
 *
 * It refuses to be set anything, and to be asked for a member of a store. For all else it is a promise, also for tools that ask
 * any object for what it may have; so a variable that is only read is undefined. What a promise does not have is
 * asked of its prototype, and that refuses.
 */
export function unawaited<Value>(promise: Promise<Value>): Promise<Value> {
  return Object.setPrototypeOf(promise, refusing)
}

const refusing = new Proxy(Object.create(Promise.prototype), {
  get(target, key, receiver) {
    // JSON.stringify asks for toJSON.
    const isMember = typeof key === 'string' && isReservedName(key) && key !== 'toJSON'
    if (isMember && !(key in target)) throw forgotten(key)
    return Reflect.get(target, key, receiver)
  },
  set(_target, key, value, receiver) {
    // Tools call what they note `_…`, or a symbol.
    const isVariable = typeof key === 'string' && !NOTED_BY_REACT.includes(key) && !key.startsWith('_')
    if (isVariable) throw forgotten(key)
    return Reflect.defineProperty(receiver, key, { value, writable: true, enumerable: true, configurable: true })
  },
})

function forgotten(key: string): PersistError {
  const text =
    `openStore() returns a promise, and the store is not here yet: write const pt = await openStore(…) before you use ` +
    `${/^[\w$]+$/.test(key) ? `pt.${key}` : `pt[${JSON.stringify(key)}]`}. Nothing was changed.`
  return new PersistError('ERR_PERSIST_NOT_READY', text, { path: key })
}
