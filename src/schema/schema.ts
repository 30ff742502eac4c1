import { describe, isMap, isPlainObject, type JsonObject, pathStep } from '../format/json.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import { VERSION_NAME } from './migration.ts'

/** The part of the Standard Schema interface (version 1) that is used here; zod, valibot and arktype have it. */
export interface StandardSchema<Output = JsonObject> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For inference only; never there at run time. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema finds fault with. */
export interface SchemaIssue {
  /** Where in the pool, as one would write it in a program: `pt.limits[2]`; `pt` for the pool as a whole. */
  readonly path: string
  readonly message: string
}

/** The variables as a schema has them, with its defaults and conversions; or what it finds fault with, and where. */
export type Checked =
  | { readonly values: JsonObject; readonly issues?: undefined }
  | {
      readonly issues: readonly SchemaIssue[]
      /** The variables at fault; undefined where it is not said which. */
      readonly names: ReadonlySet<string> | undefined
    }

/** So many issues are told in the message of an error; all of them are on it. */
const TOLD_ISSUES = 3

/** Holds variables against a schema. Never throws: a schema that does is one that finds fault. */
export function checked(variables: Readonly<JsonObject>, schema: StandardSchema<unknown>): Checked {
  // The version is ours, not one of the variables that the schema describes; strict schemas would refuse it.
  const { [VERSION_NAME]: version, ...own } = variables
  const result = answerOf(schema, own)
  if (result.issues === undefined) {
    return {
      values: { ...(result.value as JsonObject), ...(version === undefined ? {} : { [VERSION_NAME]: version }) },
    }
  }
  const paths = result.issues.map(({ path = [] }) => path.map((step) => (typeof step === 'object' ? step.key : step)))
  const issues = result.issues.map(({ message }, index) => ({ path: written(paths[index] ?? []), message }))
  const names = paths.map(([first]) => first)
  const isKnown = names.every((name) => name !== undefined)
  return { issues, names: isKnown ? new Set(names.map(String)) : undefined }
}

function answerOf(schema: StandardSchema<unknown>, variables: JsonObject): SchemaResult<unknown> {
  try {
    const result = schema['~standard'].validate(variables)
    if (!(result instanceof Promise)) return result.issues === undefined ? ofVariables(result) : result
    result.catch(() => {})
    return { issues: [{ message: 'the schema checks asynchronously; use one that answers at once' }] }
  } catch (thrown) {
    return { issues: [{ message: `the schema has thrown: ${reasonOf(thrown)}` }] }
  }
}

/** A pool is an object of variables, whatever a schema would make of it. */
function ofVariables(result: SchemaResult<unknown>): SchemaResult<unknown> {
  const { value } = result as { value: unknown }
  if (isMap(value) && isPlainObject(value)) return result
  return { issues: [{ message: `the schema makes ${describe(value)} of the variables, and no object` }] }
}

/** Names the first issues and where they are; `error.issues` has all. */
export function schemaError(store: string, issues: readonly SchemaIssue[]): PersistError {
  const told = issues.slice(0, TOLD_ISSUES).map(({ path, message }) => `${path}: ${message}`)
  const more = issues.length > TOLD_ISSUES ? ` (and ${issues.length - TOLD_ISSUES} more)` : ''
  const text = `The pool of ${store} does not fit: ${told.join('; ') || 'it is not what the schema describes'}${more}.`
  const path = issues[0]?.path
  return new PersistError('ERR_PERSIST_SCHEMA', text, { store, issues, ...(path === undefined ? {} : { path }) })
}

function written(path: readonly PropertyKey[]): string {
  return `pt${path.map((key) => pathStep(typeof key === 'number' ? key : String(key))).join('')}`
}
