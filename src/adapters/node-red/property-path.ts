import { MAX_POOL_BYTES } from '../../format/json.ts'
import { PersistError } from '../../index.ts'

/** The steps of a property expression: names, and indexes of lists. */
export type PropertyPath = readonly (string | number)[]

/** `name` at the start, after a dot or after a bracket; what Node-RED allows in one. */
const BARE = /[^.[\]'" ]+/y
const AFTER_DOT = /[a-z0-9$_][^.[\]'" ]*/iy
const QUOTED = /'([^']+)'|"([^"]+)"/y
const INDEX = /\d+(?=\])/y

/**
 * Takes a property expression of Node-RED apart: `rooms["living room"].windows[0]`.
 *
 * @throws an error with the code INVALID_EXPR, as Node-RED's own stores do
 */
export function propertyPath(expression: string): PropertyPath {
  const path: (string | number)[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(expression)
    if (found === null) return undefined
    at = pattern.lastIndex
    return found[1] ?? found[2] ?? found[0]
  }
  /** A name that is all digits is an index where more follows it. */
  const bare = (pattern: RegExp) => {
    const name = take(pattern)
    if (name !== undefined) path.push(expression[at] === '.' && /^\d+$/.test(name) ? Number(name) : name)
    return name !== undefined
  }
  const quoted = () => {
    const name = take(QUOTED)
    if (name !== undefined) path.push(name)
    return name !== undefined
  }
  const index = () => {
    const digits = take(INDEX)
    if (digits !== undefined) path.push(Number(digits))
    return digits !== undefined
  }
  const step = () => {
    const sign = expression[at]
    at += 1
    if (sign === '.') return bare(AFTER_DOT)
    if (sign !== '[' || !(quoted() || index()) || expression[at] !== ']') return false
    at += 1
    // Node-RED takes a name right behind a bracket: `a[0]b`, `a[0]'b'`.
    return at === expression.length || '.['.includes(expression[at] as string) || quoted() || bare(BARE)
  }
  let isRight = quoted() || bare(BARE)
  while (isRight && at < expression.length) isRight = step()
  if (isRight) return path
  const text = `Invalid property expression: ${JSON.stringify(expression)} cannot be read at position ${at}`
  throw Object.assign(new Error(text), { code: 'INVALID_EXPR' })
}

/** The value at a path, of own properties only; undefined: there is none. */
export function valueAt(root: object, path: PropertyPath): unknown {
  let value: unknown = root
  for (const key of path) {
    // Strings have characters, and a length.
    if (value === undefined || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/** A value with the maps and lists of a path around it. */
export function nested([key, ...rest]: PropertyPath, value: unknown): unknown {
  if (key === undefined) return value
  const inner = nested(rest, value)
  // fromEntries() defines properties, so __proto__ becomes one, too.
  if (typeof key !== 'number') return Object.fromEntries([[key, inner]])
  const list: unknown[] = []
  put(list as unknown as Record<PropertyKey, unknown>, key, inner)
  return list
}

/**
 * Sets the value at a path, and makes missing maps and lists on the way; undefined removes it, and from a list the
 * item. One assignment does all of it, so a value that is refused leaves nothing behind. A list that is too short is filled
 * with null, as Node-RED's own stores have it in their files.
 *
 * @throws {PersistError} ERR_PERSIST_NOT_STORABLE: something on the way has no properties
 */
export function setValueAt(root: object, path: PropertyPath, value: unknown): void {
  let at = root as Record<PropertyKey, unknown>
  for (const [depth, key] of path.slice(0, -1).entries()) {
    if (!Object.hasOwn(at, key)) {
      if (value !== undefined) put(at, key, nested(path.slice(depth + 1), value))
      return
    }
    const next = at[key]
    if (typeof next !== 'object' || next === null) {
      if (value === undefined) return
      const text = `${JSON.stringify(path.join('.'))} cannot be set: ${JSON.stringify(key)} is ${JSON.stringify(next)}, and has no properties.`
      throw new PersistError('ERR_PERSIST_NOT_STORABLE', text, { path: path.join('.') })
    }
    at = next as Record<PropertyKey, unknown>
  }
  const last = path.at(-1) as string | number
  if (value !== undefined) put(at, last, value)
  else if (Array.isArray(at) && typeof last === 'number') at.splice(last, 1)
  else delete at[last]
}

function put(at: Record<PropertyKey, unknown>, key: string | number, value: unknown): void {
  if (!Array.isArray(at) || typeof key !== 'number' || key <= at.length) {
    at[key] = value
    return
  }
  const { length } = at
  // Each one is `null,`: a pool with so many could not be saved.
  if ((key - length) * 5 > MAX_POOL_BYTES) {
    const text = `The index ${key} cannot be set: the list has ${length} items, and would have to be filled up with null.`
    throw new PersistError('ERR_PERSIST_NOT_STORABLE', text, { path: String(key) })
  }
  for (let index = length; index < key; index += 1) at[index] = null
  try {
    at[key] = value
  } catch (error) {
    at.splice(length)
    throw error
  }
}
