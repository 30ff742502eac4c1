/** Every code that a {@link PersistError} can have; docs/errors.md has a paragraph for each. */
export type PersistErrorCode =
  | 'ERR_PERSIST_BAD_PAYLOAD'
  | 'ERR_PERSIST_CLOSED'
  | 'ERR_PERSIST_CONNECT'
  | 'ERR_PERSIST_DENIED'
  | 'ERR_PERSIST_EMPTY'
  | 'ERR_PERSIST_FAILED'
  | 'ERR_PERSIST_JOURNAL'
  | 'ERR_PERSIST_LOCKED'
  | 'ERR_PERSIST_NEEDS_FORCE'
  | 'ERR_PERSIST_NO_ANSWER'
  | 'ERR_PERSIST_NOT_READY'
  | 'ERR_PERSIST_NOT_STORABLE'
  | 'ERR_PERSIST_OPTION'
  | 'ERR_PERSIST_READ_ONLY'
  | 'ERR_PERSIST_RESERVED_NAME'
  | 'ERR_PERSIST_SCHEMA'
  | 'ERR_PERSIST_TAKEN_OVER'
  | 'ERR_PERSIST_TIMEOUT'
  | 'ERR_PERSIST_TOO_LARGE'

/** What is known about a failure, beside its code and text; only what applies is set. */
export interface PersistErrorFacts {
  /** Name or place of the store, as in its options. */
  store?: string
  /** Where in the pool, written as one would in a program: `pt.config.limits[2]`. */
  path?: string
  /** The bytes that could not be taken for a pool; they are still where they came from. */
  bytes?: Uint8Array
  /** What was received or given instead of what was expected. */
  received?: unknown
  /** Size of what was refused, in bytes. */
  sizeBytes?: number
  /** The limit that it is over, in bytes. */
  limitBytes?: number
  /** What a schema finds fault with. */
  issues?: readonly { readonly path: string; readonly message: string }[]
  /** The variables that were changed here and not saved any more, frozen; undefined: it was removed. */
  unsaved?: Readonly<Record<string, unknown>>
  /** The failure below this one. */
  cause?: unknown
}

/**
 * The one error of this package: `code` is for programs, `message` says what failed and what to do.
 *
 * @example
 * pt.save().catch((error) => { if (error.code === 'ERR_PERSIST_TIMEOUT') retryLater() })
 */
export class PersistError extends Error implements PersistErrorFacts {
  readonly code: PersistErrorCode
  declare readonly store?: string
  declare readonly path?: string
  declare readonly bytes?: Uint8Array
  declare readonly received?: unknown
  declare readonly sizeBytes?: number
  declare readonly limitBytes?: number
  declare readonly issues?: PersistErrorFacts['issues'] & {}
  declare readonly unsaved?: Readonly<Record<string, unknown>>

  constructor(code: PersistErrorCode, message: string, facts: PersistErrorFacts = {}) {
    const { cause, ...fields } = facts
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, fields)
  }
}

// On the prototype, as built-in errors have it: it is no fact of its own, and logs show `PersistError: …`.
Object.defineProperty(PersistError.prototype, 'name', { value: 'PersistError', configurable: true, writable: true })

/**
 * The text of anything that was thrown, for use inside another message.
 *
 * Node reports a failed dual-stack connect as an AggregateError whose own message is empty.
 */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(reasonOf).join('; ')
  if (thrown instanceof Error) return thrown.message || thrown.name
  return String(thrown)
}

/** An error of this package as it is; anything else that was thrown, as one that says which store was not `done` what. */
export function asPersistError(thrown: unknown, store: string, done: string): PersistError {
  if (thrown instanceof PersistError) return thrown
  const message = `Store ${store} could not be ${done}: ${reasonOf(thrown)}.`
  return new PersistError('ERR_PERSIST_FAILED', message, { store, cause: thrown })
}

/** Why an option cannot be used. */
export function optionError(name: string, reason: string, cause?: unknown): PersistError {
  return new PersistError('ERR_PERSIST_OPTION', `Option ${name}: ${reason}.`, { received: name, cause })
}

/** The code of an error of Node's or OpenSSL's (`ENOENT`), where it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
