import { isPlainObject, MAX_DEPTH } from '../../format/json.ts'

/**
 * A deep copy of lists and maps, without members that are undefined, as JSON.stringify() leaves them out.
 *
 * Values that are no JSON, and cycles, stay as they are: the store refuses them and says where they are.
 */
export function copyOf(value: unknown, above: ReadonlySet<unknown> = new Set()): unknown {
  if (typeof value !== 'object' || value === null || above.has(value) || above.size > MAX_DEPTH) return value
  const isList = Array.isArray(value)
  if (!isList && !isPlainObject(value)) return value
  const path = new Set(above).add(value)
  if (isList) return value.map((item) => copyOf(item, path))
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  // fromEntries() defines properties, so __proto__ becomes one, too.
  return Object.fromEntries(entries.map(([name, member]) => [name, copyOf(member, path)]))
}
