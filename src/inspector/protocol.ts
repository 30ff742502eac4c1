/**
 * What the inspector's server and its page say to each other, in JSON; types only, the two share nothing else.
 *
 * Values travel as the JSON texts that are kept, so that a page shows what is there: `1.0`, an integer of 20 digits.
 */

import type { OwnerKind } from '../pools/owners.ts'

/** Where a page asks, by method and path below `/api`; `:name` is a pool's name, as encodeURIComponent() writes it. */
export interface Routes {
  /** Server-sent events, LiveEvent as data; with `Last-Event-ID` it goes on after that event. */
  'GET /live': never
  'GET /pools/:name': PoolContent
  /** The states of a pool since the inspector was started, or as many as it keeps; the newest last. */
  'GET /pools/:name/history': readonly PoolState[]
  'POST /pools/:name/edit': { body: Edit; result: Done }
  /** Makes a pool what it was: all variables at once. */
  'POST /pools/:name/replace': { body: Replace; result: Done }
  'POST /pools/:name/zero': { body: Force; result: Done }
  'POST /pools/:name/delete': { body: Force; result: Done }
  'POST /pools/:name/copy': { body: Copy; result: Done }
  /** `?q=`: pools in whose name, variables or values that text is, whatever its case. */
  'GET /search': SearchResult
  /** `?name=`, several times: a backup of these pools, else of all; docs/backup.md describes the file. */
  'GET /backup': never
  /** The body is a backup: what restoring it would change. */
  'POST /backup/compare': ImportPlan
  'POST /backup/restore': { body: Restore; result: readonly Restored[] }
  /** A Check a line, as they are done (application/x-ndjson). */
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

/** A variable and its JSON text; null: it is not there. */
export type VariableText = readonly [name: string, text: string | null]

/** A pool in the list. */
export interface PoolSummary {
  readonly name: string
  readonly owner: OwnerKind
  /** Whether its program or device is online; not there where nothing ever said so. */
  readonly isOnline?: boolean
  /** How many variables it has; null: what is kept there is no pool. */
  readonly variables: number | null
  readonly bytes: number
  /** When it last changed, in milliseconds since 1970; not there: not since the inspector was started. */
  readonly changedAt?: number
}

/** An event's data; its id goes up by one with each, after a dash: `5f2a-17`. */
export type LiveEvent =
  /** The first one, or one after a gap that cannot be closed: what was known before is void. */
  | {
      readonly type: 'snapshot'
      readonly about: About
      readonly pools: readonly PoolSummary[]
      /** Why some pools may be missing, for people. */
      readonly incomplete?: string
      /** Why there is no link to the broker now. */
      readonly offline?: string
    }
  /** A pool is new, or another one, or owned by somebody else. */
  | {
      readonly type: 'pool'
      readonly pool: PoolSummary
      /** The variables that have changed. Null: too much to tell, or no pool; ask for it. */
      readonly changes?: readonly VariableText[] | null
    }
  | { readonly type: 'deleted'; readonly name: string }
  /** The link to the broker is gone, and is being made again. */
  | { readonly type: 'offline'; readonly message: string }
  | { readonly type: 'online'; readonly incomplete?: string }

/** What does not change while the server runs. */
export interface About {
  readonly version: string
  /** The broker's address, without a password. */
  readonly broker: string
  readonly isReadOnly: boolean
  /** The largest pool that a Tasmota device can load, and the largest at all, in bytes. */
  readonly deviceLimitBytes: number
  readonly limitBytes: number
}

/** A pool with its variables. */
export interface PoolContent {
  /** All events up to the one of this number are in it. */
  readonly at: number
  readonly pool: PoolSummary
  /** In the order in which they are kept; null: what is kept there is no pool. */
  readonly variables: readonly VariableText[] | null
  /** Where it is no pool: why, and what is kept there, as far as it can be shown. */
  readonly invalid?: { readonly reason: string; readonly text: string }
}

/** A pool as it was. */
export interface PoolState {
  /** Since when, in milliseconds since 1970. */
  readonly since: number
  /** The pool's JSON text; null: there was none. */
  readonly text: string | null
}

/** Changes whatever the owner's kind, with `force`. */
export interface Force {
  readonly force?: boolean
}

/** Sets some variables as a whole, or removes them (null). */
export interface Edit extends Force {
  readonly set: readonly VariableText[]
  /** As the page showed them. Another one is kept by now: CONFLICT, and nothing is changed. */
  readonly seen?: readonly VariableText[]
}

export interface Replace extends Force {
  /** The pool's JSON text. */
  readonly text: string
}

export interface Copy extends Force {
  readonly to: string
  /** The original is deleted when the copy is there. */
  readonly isMove?: boolean
}

/** It is saved and confirmed: by the owner, which was asked, or written directly, since nobody owned it. */
export interface Done {
  readonly way: 'owner' | 'direct'
}

export interface SearchResult {
  /** The pool, and what in it matches: paths like `limits.low`. Empty: only the name does. */
  readonly matches: readonly (readonly [pool: string, paths: readonly string[]])[]
  /** There are more. */
  readonly isCut: boolean
}

export interface ImportPlan {
  /** When the backup was made (ISO 8601), and of which broker. */
  readonly created: string
  readonly broker: string
  /** It may not have all pools that there were. */
  readonly isComplete: boolean
  readonly pools: readonly ImportedPool[]
}

export interface ImportedPool {
  readonly name: string
  /** Who owns the pool now that would be replaced. */
  readonly owner: OwnerKind
  /** 'new': there is none now; 'same': nothing would change; 'invalid': one of both is no pool, and bytes are replaced. */
  readonly kind: 'new' | 'changed' | 'same' | 'invalid'
  /** What would change: the texts now and in the backup. */
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

/** A line of the doctor. */
export interface Check {
  readonly name: string
  /** 'ok': it holds. 'warning': worth knowing. 'failed': it does not hold. */
  readonly result: 'ok' | 'warning' | 'failed'
  readonly seen: string
  /** What to change. */
  readonly advice?: string
}
