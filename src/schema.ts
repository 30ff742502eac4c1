import { PersistError } from './errors.ts'
import { type JsonObject, pathStep } from './json.ts'

/** The part of the Standard Schema interface (version 1) that is used here; zod, valibot and arktype have it. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Gets a copy of all variables and the version they were written by (1 where none is noted); returns those of today. */
export type Migrate = (variables: JsonObject, fromVersion: number) => JsonObject

/** The variable that holds the version of a pool's shape. */
export const VERSION_NAME = '$version'

/**
 * The variables as the schema has them, with its defaults and conversions.
 *
 * @throws {PersistError} ERR_PERSIST_SCHEMA with the path of the first issue
 */
export function validated(variables: Readonly<JsonObject>, schema: StandardSchema, store: string): JsonObject {
  // The version is ours, not one of the variables that the schema describes; strict schemas would refuse it.
  const { [VERSION_NAME]: version, ...own } = variables
  const result = schema['~standard'].validate(own)
  if (result instanceof Promise) {
    result.catch(() => {})
    throw schemaError(store, 'the schema checks asynchronously; use one that answers at once')
  }
  if (result.issues !== undefined) {
    const [first] = result.issues
    const keys = (first?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
    const path = `pt${keys.map((key) => pathStep(typeof key === 'number' ? key : String(key))).join('')}`
    const more = result.issues.length > 1 ? ` (and ${result.issues.length - 1} more)` : ''
    throw schemaError(store, `${path}: ${first?.message ?? 'it is not what the schema describes'}${more}`, path)
  }
  return { ...(result.value as JsonObject), ...(version === undefined ? {} : { [VERSION_NAME]: version }) }
}

/**
 * The variables of a pool as this program wants them: of its version, with its defaults, as its schema says.
 *
 * The very object that was given where nothing is to be added or changed.
 * @throws {PersistError} ERR_PERSIST_SCHEMA
 */
export function fittedPool(
  variables: JsonObject,
  { version, migrate, schema, defaults }: FittingOptions,
  store: string,
): JsonObject {
  const isNew = Object.keys(variables).length === 0
  const noted = isNew && version > 0 ? { [VERSION_NAME]: version } : {}
  const today = isNew ? noted : migrated(variables, version, migrate, store)
  const whole = Object.keys(defaults).length === 0 ? today : { ...(defaults as JsonObject), ...today }
  return schema === undefined ? whole : validated(whole, schema, store)
}

interface FittingOptions {
  readonly version: number
  readonly migrate: Migrate | undefined
  readonly schema: StandardSchema | undefined
  readonly defaults: object
}

/** Brings a pool to the program's version; throws for one of a newer program, or an older one without `migrate`. */
function migrated(variables: JsonObject, version: number, migrate: Migrate | undefined, store: string): JsonObject {
  const noted = variables[VERSION_NAME]
  const from = typeof noted === 'number' ? noted : 1
  if (version === 0 || from === version) return variables
  if (from > version) {
    throw schemaError(
      store,
      `it was written by version ${from} of the program, this is ${version}; nothing was changed`,
    )
  }
  if (migrate === undefined) {
    throw schemaError(store, `it is of version ${from}, this program needs ${version}; pass migrate`)
  }
  return { ...migrate(structuredClone(variables), from), [VERSION_NAME]: version }
}

function schemaError(store: string, reason: string, path?: string): PersistError {
  return new PersistError('ERR_PERSIST_SCHEMA', `The pool of ${store} does not fit: ${reason}.`, {
    store,
    ...(path === undefined ? {} : { path }),
  })
}
