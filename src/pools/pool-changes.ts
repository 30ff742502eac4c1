import { type JsonValue, ownValue, sameJson } from '../json.ts'
import type { Payload } from '../payload.ts'

export { sameBytes } from '../backends/mqtt/pool-topic.ts'

/** A variable that two pools do not have alike; undefined: it is not there. */
export interface PoolChange {
  readonly name: string
  readonly before: JsonValue | undefined
  readonly after: JsonValue | undefined
}

/** What makes one pool another: by value, so that 1.0 is 1, and the order of names means nothing. */
export function poolChanges(before: Payload, after: Payload): PoolChange[] {
  const changes: PoolChange[] = []
  for (const name of new Set([...before.texts.keys(), ...after.texts.keys()])) {
    // The same text is the same value; looking at that first makes large pools cheap.
    if (before.texts.get(name) === after.texts.get(name)) continue
    const [from, to] = [ownValue(before.values, name), ownValue(after.values, name)]
    if (!sameJson(from, to)) changes.push({ name, before: from, after: to })
  }
  return changes
}
