import { PersistError } from '../runtime/errors.ts'

/**
 * What tools ask any object for, to find out what it is or to show it: JSON.stringify, test frameworks and those that take
 * lists, observables and promises alike.
 */
const ASKED_BY_TOOLS: readonly string[] = [
  'toJSON',
  'inspect',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  'length',
  'subscribe',
  'promise',
]

/** What React's `use()` keeps on a promise. */
const KEPT_BY_REACT: readonly string[] = ['status', 'value', 'reason']

/** Names for tools, of which there are many: `__v_skip`, `$$typeof`, `@@observable`. */
const FOR_TOOLS = /^(_|\$\$|@@)/

/**
 * A promise that stays a promise for `await`, `then()`, `Promise.all()` and whoever shows it, and refuses to be taken for what
 * it resolves with: a store whose `await` was forgotten would take variables, and save none.
 *
 * Only what the promise does not have is asked of its prototype, and that refuses.
 */
export function unawaited<Value>(promise: Promise<Value>): Promise<Value> {
  // Its own prototype: zone.js puts another Promise in the place of the global one.
  return Object.setPrototypeOf(promise, new Proxy(Object.create(Object.getPrototypeOf(promise)), refusing))
}

const refusing: ProxyHandler<object> = {
  get(target, key, receiver) {
    if (!(key in target) && isVariable(key) && !ASKED_BY_TOOLS.includes(key)) throw forgotten(key)
    return Reflect.get(target, key, receiver)
  },
  set(_target, key, value, receiver) {
    if (isVariable(key)) throw forgotten(key)
    return Reflect.defineProperty(receiver, key, { value, writable: true, enumerable: true, configurable: true })
  },
}

function isVariable(key: string | symbol): key is string {
  return typeof key === 'string' && !KEPT_BY_REACT.includes(key) && !FOR_TOOLS.test(key)
}

function forgotten(key: string): PersistError {
  const text =
    `openStore() returns a promise, and the store is not here yet: write const pt = await openStore(…) before you use ` +
    `${/^[\w$]+$/.test(key) ? `pt.${key}` : `pt[${JSON.stringify(key)}]`}. Nothing was changed.`
  return new PersistError('ERR_PERSIST_NOT_READY', text, { path: key })
}
