import { isPlainObject, MAX_DEPTH } from '../../format/json.ts'

/**
 * A copy of lists and maps, and of what is in them; without names whose value is undefined, as JSON is written.
 *
 * What is no JSON, or is in itself, stays what it is: a store refuses it and says where it is.
 */
export function copyOf(value: unknown, above: ReadonlySet<unknown> = new Set()): unknown {
  if (typeof value !== 'object' || value === null || above.has(value) || above.size > MAX_DEPTH) return value
  const isList = Array.isArray(value)
  if (!isList && !isPlainObject(value)) return value
  const path = new Set(above).add(value)
  if (isList) return value.map((item) => copyOf(item, path))
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  // It defines properties, so that a name like __proto__ becomes one.
  return Object.fromEntries(entries.map(([name, member]) => [name, copyOf(member, path)]))
}
