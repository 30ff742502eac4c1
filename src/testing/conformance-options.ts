import type { Backend } from '../contracts/backend.ts'

/** Something that can hold one pool, made for one case of the suite. */
export interface ConformancePlace {
  /** A new backend on this place, not opened yet. One case opens a second one while the first is open. */
  backend(): Backend
  /** Does what another program would: replaces what is held, or deletes it (null). Resolves when it is done. */
  writeElsewhere(bytes: Uint8Array | null): Promise<void>
  /** Removes the place; all backends on it are closed by then. */
  cleanUp(): Promise<void>
}

/** What the suite needs to know of a backend. */
export interface ConformanceOptions {
  /** Registers a test: `test` of vitest, node:test, bun or Deno, `it` of mocha. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Makes a place that holds nothing; called once for every case. */
  readonly place: () => ConformancePlace | Promise<ConformancePlace>
  /**
   * When the backend notices that somebody else wrote: as it happens, or not before it writes (which is then
   * 'superseded'). 'never': nobody else can, and `writeElsewhere` is not called.
   */
  readonly notices: 'at once' | 'at the next write' | 'never'
  /** Makes a backend that cannot be opened: no server there, no permission. @default that case is left out */
  readonly unreachable?: () => Backend | Promise<Backend>
  /** The largest pool that the place must hold, in bytes. @default 1 MiB */
  readonly largestBytes?: number
  /** How long one call may take, in milliseconds; give the test runner several times as much. @default 4000 */
  readonly limitMs?: number
}
