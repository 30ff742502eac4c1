import type { Backend } from '../contracts/backend.ts'

/** A place for one pool, made for one case of the suite. */
export interface ConformancePlace {
  /** A new backend on this place, not opened yet. One case opens a second one while the first is open. */
  backend(): Backend
  /** Replaces the pool, or deletes it (null), as another program would; resolves when that is done. */
  writeElsewhere(bytes: Uint8Array | null): Promise<void>
  /** Removes the place; all backends on it are closed by then. */
  cleanUp(): Promise<void>
}

/** What the suite needs to know of a backend. */
export interface ConformanceOptions {
  /** Registers a test: `test` of vitest, node:test, bun or Deno, `it` of mocha. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Makes an empty place; called once for each case. */
  readonly place: () => ConformancePlace | Promise<ConformancePlace>
  /**
   * When the backend notices foreign writes: 'at once', or 'at the next write', which is then 'superseded'. 'never': no
   * other program can write, and `writeElsewhere` is not called.
   */
  readonly notices: 'at once' | 'at the next write' | 'never'
  /** Makes a backend that cannot be opened: no server, no permission. @default that case is left out */
  readonly unreachable?: () => Backend | Promise<Backend>
  /** The largest pool that the place must hold, in bytes. @default 1 MiB */
  readonly largestBytes?: number
  /** How long one call may take, in milliseconds; give the test runner several times as much. @default 4000 */
  readonly limitMs?: number
}
