import {
  describe,
  isMap,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  ownValue,
  pathStep,
  put,
} from '../format/json.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import { VERSION_NAME } from './migration.ts'

/** What stores use of Standard Schema 1 (https://standardschema.dev); zod, valibot and arktype have it. */
export interface StandardSchema<Output = JsonObject> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    /** For type inference only; undefined at run time. */
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

export interface SchemaIssue {
  /** The place in the pool, as a program writes it: `pt.limits[2]`; `pt` for the pool as a whole. */
  readonly path: string
  readonly message: string
}

/** The variables with the defaults and conversions of the schema, or its issues. */
export type Checked =
  | { readonly values: JsonObject; readonly issues?: undefined }
  | {
      readonly issues: readonly SchemaIssue[]
      /** The variables with an issue; undefined: the schema does not say which. */
      readonly names: ReadonlySet<string> | undefined
    }

/** How many issues an error's message has; `error.issues` has all. */
const LISTED_ISSUES = 3

/** Validates variables. Never throws: what the schema throws is an issue. */
export function checked(variables: Readonly<JsonObject>, schema: StandardSchema<unknown>): Checked {
  // Without $version, which the schema does not describe, and a strict schema would refuse.
  const { [VERSION_NAME]: version, ...own } = variables
  const result = answerOf(schema, own)
  if (result.issues === undefined) {
    const values = withUnnamed(own, result.value as JsonObject) as JsonObject
    return { values: { ...values, ...(version === undefined ? {} : { [VERSION_NAME]: version }) } }
  }
  const paths = result.issues.map(({ path = [] }) => path.map((step) => (typeof step === 'object' ? step.key : step)))
  const issues = result.issues.map(({ message }, index) => ({ path: written(paths[index] ?? []), message }))
  const names = paths.map(([first]) => first)
  const isKnown = names.every((name) => name !== undefined)
  return { issues, names: isKnown ? new Set(names.map(String)) : undefined }
}

/**
 * What a schema has made of a value, with what it leaves out of maps: many drop names that they do not know, and a save that
 * was confirmed must not lose at the next start what it had.
 */
function withUnnamed(given: JsonValue | undefined, made: JsonValue): JsonValue {
  if (Array.isArray(given) && Array.isArray(made) && given.length === made.length) {
    return made.map((item, index) => withUnnamed(given[index], item))
  }
  if (!isMap(given) || !isMap(made) || !isPlainObject(made)) return made
  const whole: JsonObject = {}
  for (const name of Object.keys(given)) if (!Object.hasOwn(made, name)) put(whole, name, given[name])
  for (const name of Object.keys(made)) put(whole, name, withUnnamed(ownValue(given, name), made[name] as JsonValue))
  return whole
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

/** The result, unless the schema turns the variables into something other than an object. */
function ofVariables(result: SchemaResult<unknown>): SchemaResult<unknown> {
  const { value } = result as { value: unknown }
  if (isMap(value) && isPlainObject(value)) return result
  return { issues: [{ message: `the schema makes ${describe(value)} of the variables, and no object` }] }
}

export function schemaError(store: string, issues: readonly SchemaIssue[]): PersistError {
  const listed = issues.slice(0, LISTED_ISSUES).map(({ path, message }) => `${path}: ${message}`)
  const more = issues.length > LISTED_ISSUES ? ` (and ${issues.length - LISTED_ISSUES} more)` : ''
  const text = `The pool of ${store} does not fit: ${listed.join('; ') || 'it is not what the schema describes'}${more}.`
  const path = issues[0]?.path
  return new PersistError('ERR_PERSIST_SCHEMA', text, { store, issues, ...(path === undefined ? {} : { path }) })
}

function written(path: readonly PropertyKey[]): string {
  return `pt${path.map((key) => pathStep(typeof key === 'number' ? key : String(key))).join('')}`
}
