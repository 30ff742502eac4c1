import type { JsonValue } from '../format/json.ts'

/** Where a program finds the values: kept equal to the variables, so that reading one asks nobody. */
export interface Shelf {
  put(name: string, value: JsonValue): void
  remove(name: string): void
}
