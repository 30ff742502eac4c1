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

/** Facts about a failure, beside its code and text; only those that apply are set. */
export interface PersistErrorFacts {
  /** Name or place of the store, as in its options. */
  store?: string
  /** Where in the pool, as a program writes it: `pt.config.limits[2]`. */
  path?: string
  /** The bytes that are no pool; the backend still has them. */
  bytes?: Uint8Array
  /** The value that was received or given in place of an expected one. */
  received?: unknown
  /** The size of the refused pool, in bytes. */
  sizeBytes?: number
  /** The limit that it exceeds, in bytes. */
  limitBytes?: number
  /** The issues that a schema has found. */
  issues?: readonly { readonly path: string; readonly message: string }[]
  /** The variables that were changed here and could not be saved any more, frozen; undefined: the variable was removed. */
  unsaved?: Readonly<Record<string, unknown>>
  /** The error that caused this one. */
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

// On the prototype, as with built-in errors: no fact of each error, and logs show `PersistError: …`.
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

/**
 * The PersistError for anything that was thrown. `done` is what failed, as in `could not be saved`; a PersistError
 * stays.
 */
export function asPersistError(thrown: unknown, store: string, done: string): PersistError {
  if (thrown instanceof PersistError) return thrown
  const message = `Store ${store} could not be ${done}: ${reasonOf(thrown)}.`
  return new PersistError('ERR_PERSIST_FAILED', message, { store, cause: thrown })
}

/** The error for an option with a wrong value. */
export function optionError(name: string, reason: string, cause?: unknown): PersistError {
  return new PersistError('ERR_PERSIST_OPTION', `Option ${name}: ${reason}.`, { received: name, cause })
}

/** The same error, thrown once more: its stack says where now, its cause where it was first. */
export function thrownAgain(error: PersistError): PersistError {
  const { code, message, ...facts } = error
  return new PersistError(code, message, { ...facts, cause: error })
}

/** The code of an error of Node or OpenSSL (`ENOENT`); undefined: it has none. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
