import type { Events, StoreEvents } from './events.ts'
import type { JsonValue } from './json.ts'
import { mergeVariable, type OnConflict } from './merge.ts'
import type { Payload } from './payload.ts'
import type { Variables } from './variables.ts'

/**
 * Takes in a pool that somebody else wrote, variable by variable.
 *
 * Returns whether the backend now lacks something of ours, so that the merged pool is to be saved.
 */
export function mergeForeign(
  variables: Variables,
  theirs: Payload,
  onConflict: OnConflict,
  events: Events<StoreEvents>,
): { lacking: boolean } {
  let lacking = false
  for (const name of new Set([...variables.knownNames(), ...theirs.texts.keys()])) {
    const confirmed = variables.confirmedText(name)
    const text = theirs.texts.get(name)
    if (text === confirmed) continue
    const sides = {
      name,
      base: confirmed === undefined ? undefined : (JSON.parse(confirmed) as JsonValue),
      local: variables.get(name),
      remote: theirs.values[name],
    }
    const merged = mergeVariable(sides, onConflict)
    variables.confirmForeign(name, text)
    if (merged.take === 'remote') variables.take(name, sides.remote, text)
    else if (merged.take === 'other') variables.set(name, merged.value)
    if (merged.conflict) {
      const value = merged.take === 'other' ? merged.value : sides[merged.take]
      events.emit('conflict', { name, local: sides.local, remote: sides.remote, value })
    }
    lacking ||= merged.take !== 'remote'
  }
  return { lacking }
}
