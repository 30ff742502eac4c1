import { type JsonObject, ownValue, sameJson } from './json.ts'
import type { ResolvedOptions } from './options.ts'
import type { Payload } from './payload.ts'
import { fittedPool } from './schema.ts'
import type { Variables } from './variables.ts'

/** What loading a pool needs of the store around it. */
interface LoadingHost {
  readonly label: string
  readonly options: ResolvedOptions
  readonly variables: Variables
}

/**
 * Loads a pool as it is held, with other values that are to be in it fitted to this program; what differs is unsaved.
 *
 * @throws {PersistError} ERR_PERSIST_SCHEMA
 */
export function loadPool(pool: Payload, values: JsonObject, { label, options, variables }: LoadingHost): void {
  const fitted = options.readOnly ? values : fittedPool(values, options, label)
  variables.load(pool)
  if (fitted === pool.values) return
  for (const name of Object.keys({ ...pool.values, ...fitted })) {
    const value = ownValue(fitted, name)
    if (!sameJson(value, ownValue(pool.values, name))) variables.set(name, value)
  }
}
