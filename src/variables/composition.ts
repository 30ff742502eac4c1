import type { Variable } from './variable.ts'

/** A pool's payload on its way to the backend. */
export interface Composition {
  readonly payload: string
  /** What it says of each variable for which the backend is not known to hold just that. */
  readonly said: Map<Variable, string | undefined>
  /** Somebody else has written since this was composed. */
  overtaken: boolean
  /** The names of what was changed here before. */
  readonly changed: ReadonlySet<string>
}
