import { isMap, ownValue, sameJson } from '../../format/json.ts'
import type { JsonValue } from '../../index.ts'

type Side = JsonValue | undefined

/**
 * Merges a context that flows and another writer have changed: key by key, and flows win where both changed one key.
 *
 * A context is one variable. If the whole of it won, a flow that counts would undo all changes of other writers.
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
  // fromEntries() defines properties, so __proto__ becomes one, too.
  return Object.fromEntries(merged.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}
