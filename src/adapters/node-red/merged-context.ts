import { isMap, ownValue, sameJson } from '../../format/json.ts'
import type { JsonValue } from '../../index.ts'

type Side = JsonValue | undefined

/**
 * What becomes of a context that flows and somebody else have changed: key by key, and where both changed the same, flows win.
 *
 * A context is one variable; as a whole, one that counts would always win over who changes something else in it.
 */
export function mergedContext({ base, local, remote }: { base: Side; local: Side; remote: Side }): Side {
  if (sameJson(remote, base)) return local
  if (sameJson(local, base)) return remote
  if (!isMap(local) || !isMap(remote)) return local
  const names = new Set([...Object.keys(local), ...Object.keys(remote)])
  const merged = [...names].map((name) => {
    const of = (map: Side) => (isMap(map) ? ownValue(map, name) : undefined)
    return [name, mergedContext({ base: of(base), local: of(local), remote: of(remote) })] as const
  })
  // It defines properties, so that a name like __proto__ becomes one.
  return Object.fromEntries(merged.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}
