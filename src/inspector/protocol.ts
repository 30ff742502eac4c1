/**
 * The messages between the inspector's server and its page, in JSON; types only, and all that the two share.
 *
 * Values travel as the JSON texts that the broker holds, so that a page shows them unaltered: `1.0`, 20-digit integers.
 */

import type { OwnerKind } from '../pools/owners.ts'

/** Where a page asks, by method and path below `/api`; `:name` is a pool's name, as encodeURIComponent() writes it. */
export interface Routes {
  /** Server-sent events with a LiveEvent as data; with `Last-Event-ID` they go on after that event. */
  'GET /live': never
  'GET /pools/:name': PoolContent
  /** The states of a pool since the inspector was started, as far as it keeps them; the newest last. */
  'GET /pools/:name/history': readonly PoolState[]
  'POST /pools/:name/edit': { body: Edit; result: Done }
  /** Replaces all variables: brings a pool back to a former state. */
  'POST /pools/:name/replace': { body: Replace; result: Done }
  'POST /pools/:name/zero': { body: Force; result: Done }
  'POST /pools/:name/delete': { body: Force; result: Done }
  'POST /pools/:name/copy': { body: Copy; result: Done }
  /** `?q=`: pools with that text in their name, variables or values; upper and lower case are the same. */
  'GET /search': SearchResult
  /** `?name=`, several times: a backup of these pools, else of all; docs/backup.md describes the file. */
  'GET /backup': never
  /** The body is a backup: what restoring it would change. */
  'POST /backup/compare': ImportPlan
  'POST /backup/restore': { body: Restore; result: readonly Restored[] }
  /** One Check for each line, as they are done (application/x-ndjson). */
  'GET /doctor': Check
}

/** Every failure's body; its HTTP status is not 2xx. */
export interface Failure {
  readonly error: {
    /**
     * One of docs/errors.md, or of the inspector: READ_ONLY (403), NOT_FOUND (404), CONFLICT (409: somebody else has
     * changed it), EXISTS (409: force replaces it), DEVICE (409: a device that does not listen owns it; force writes
     * all the same), OWNED (409: a program owns it and would write it again), BAD_REQUEST (400), UNAUTHORIZED (401).
     */
    readonly code: string
    /** For people, with what to do. */
    readonly message: string
    /** With CONFLICT: the variables as they are now. */
    readonly current?: readonly VariableText[]
  }
}

/** A variable and its JSON text; null: there is no such variable. */
export type VariableText = readonly [name: string, text: string | null]

/** A pool in the list. */
export interface PoolSummary {
  readonly name: string
  readonly owner: OwnerKind
  /** Whether its program or device is online; absent: unknown. */
  readonly isOnline?: boolean
  /** How many variables it has; null: what the broker holds is no pool. */
  readonly variables: number | null
  readonly bytes: number
  /** When it last changed, in milliseconds since 1970; absent: not since the inspector was started. */
  readonly changedAt?: number
}

/** The data of an event. Its id ends with a number that goes up by one: `5f2a-17`. */
export type LiveEvent =
  /** The first event, or one after a gap that cannot be closed: it replaces everything before. */
  | {
      readonly type: 'snapshot'
      readonly about: About
      readonly pools: readonly PoolSummary[]
      /** Why some pools may be missing, for people. */
      readonly incomplete?: string
      /** Why there is no link to the broker now. */
      readonly offline?: string
    }
  /** A pool is new, or has changed, or its owner has. */
  | {
      readonly type: 'pool'
      readonly pool: PoolSummary
      /** The variables that have changed. Null: too large for an event, or no pool; the page asks for the pool. */
      readonly changes?: readonly VariableText[] | null
    }
  | { readonly type: 'deleted'; readonly name: string }
  /** The server has lost its link to the broker, and is connecting again. */
  | { readonly type: 'offline'; readonly message: string }
  | { readonly type: 'online'; readonly incomplete?: string }

/** Facts that do not change while the server runs. */
export interface About {
  readonly version: string
  /** The broker's address, without a password. */
  readonly broker: string
  readonly isReadOnly: boolean
  /** The largest pool for a Tasmota device, and the largest for programs, in bytes. */
  readonly deviceLimitBytes: number
  readonly limitBytes: number
}

/** A pool with its variables. */
export interface PoolContent {
  /** The content has all events up to this number in it. */
  readonly at: number
  readonly pool: PoolSummary
  /** In the order of the pool; null: what the broker holds is no pool. */
  readonly variables: readonly VariableText[] | null
  /** Where it is no pool: why, and the beginning of what the broker holds. */
  readonly invalid?: { readonly reason: string; readonly text: string }
}

/** A former state of a pool. */
export interface PoolState {
  /** Since when, in milliseconds since 1970. */
  readonly since: number
  /** The pool's JSON text; null: there was none. */
  readonly text: string | null
}

/** With `force`, the change is made although a device owns the pool and may write over it. */
export interface Force {
  readonly force?: boolean
}

/** Replaces variables, or removes them (null). */
export interface Edit extends Force {
  readonly set: readonly VariableText[]
  /** The variables as the page showed them. If one has changed since: CONFLICT, and nothing is changed. */
  readonly seen?: readonly VariableText[]
}

export interface Replace extends Force {
  /** The pool's JSON text. */
  readonly text: string
}

export interface Copy extends Force {
  readonly to: string
  /** Deletes the original after the copy was made. */
  readonly isMove?: boolean
}

/** The change is confirmed: the owner has saved it ('owner'), or the server has written the pool ('direct'). */
export interface Done {
  readonly way: 'owner' | 'direct'
}

export interface SearchResult {
  /** Each pool with the paths that match, like `limits.low`; none: only its name matches. */
  readonly matches: readonly (readonly [pool: string, paths: readonly string[]])[]
  /** There are more matches. */
  readonly isCut: boolean
}

export interface ImportPlan {
  /** When the backup was made (ISO 8601), and from which broker. */
  readonly created: string
  readonly broker: string
  /** False: the backup may lack pools. */
  readonly isComplete: boolean
  readonly pools: readonly ImportedPool[]
}

export interface ImportedPool {
  readonly name: string
  /** Who owns the pool that would be replaced. */
  readonly owner: OwnerKind
  /**
   * 'new': there is no such pool now; 'same': nothing would change; 'invalid': one side is no pool, and is replaced
   * whole.
   */
  readonly kind: 'new' | 'changed' | 'same' | 'invalid'
  /** The variables that would change: their texts now and in the backup. */
  readonly changes: readonly (readonly [variable: string, now: string | null, backup: string | null])[]
}

export interface Restore extends Force {
  /** The backup. */
  readonly backup: string
  /** The pools to restore. */
  readonly names: readonly string[]
}

/** How restoring one pool went. */
export type Restored = { readonly name: string } & (Done | Failure)

/** The result of one check of the doctor. */
export interface Check {
  readonly name: string
  /** 'ok': the guarantee holds. 'warning': worth knowing. 'failed': the guarantee does not hold. */
  readonly result: 'ok' | 'warning' | 'failed'
  readonly seen: string
  /** What to change. */
  readonly advice?: string
}
