import { isMap, type JsonObject, type JsonValue, ownValue } from '../format/json.ts'
import { asPersistError, PersistError } from '../runtime/errors.ts'
import { within } from '../runtime/promises.ts'

/** The name of the variable with the version of a pool's shape. */
export const VERSION_NAME = '$version'

/** Makes the variables of its own version of a copy of those of the version before. */
export type MigrationStep = (variables: JsonObject) => JsonObject | Promise<JsonObject>

/** By version: the step that leads there from the version before. */
export type Migrations = { readonly [version: number]: MigrationStep }

/** The version of a pool; 1 where it has none. */
export function versionOf(variables: Readonly<JsonObject>): JsonValue {
  return ownValue(variables, VERSION_NAME) ?? 1
}

interface MigrationOptions {
  readonly version: number
  readonly migrate: Migrations
  /** The limit for all steps together, in milliseconds. */
  readonly openTimeoutMs: number
}

/**
 * The variables of an older version, migrated step by step to this one; see {@link isOutdated}.
 *
 * @throws {PersistError} ERR_PERSIST_SCHEMA: a step has failed, or returned no object; ERR_PERSIST_TIMEOUT
 */
export async function migrated(
  variables: Readonly<JsonObject>,
  { version, migrate, openTimeoutMs }: MigrationOptions,
  store: string,
): Promise<JsonObject> {
  const from = versionOf(variables) as number
  const { [VERSION_NAME]: _, ...own } = variables
  let now: JsonObject = structuredClone(own)
  const end = performance.now() + openTimeoutMs
  for (let next = from + 1; next <= version; next++) {
    const step = migrate[next] as MigrationStep
    const late = () =>
      new PersistError(
        'ERR_PERSIST_TIMEOUT',
        `migrate[${next}] of ${store} did not end within openTimeoutMs (${openTimeoutMs} ms). Nothing was changed.`,
        { store },
      )
    try {
      now = await within(Promise.resolve(step(now)), Math.max(1, end - performance.now()), late)
    } catch (thrown) {
      if (thrown instanceof PersistError && thrown.code === 'ERR_PERSIST_TIMEOUT') throw thrown
      const { message } = asPersistError(thrown, store, 'migrated')
      throw migrationError(store, `migrate[${next}] has failed: ${message}`, thrown)
    }
    if (!isMap(now)) throw migrationError(store, `migrate[${next}] must return the variables, an object`)
  }
  return { ...now, [VERSION_NAME]: version }
}

/**
 * Must the variables be migrated before this program can use them?
 *
 * @throws {PersistError} ERR_PERSIST_SCHEMA: they are of a newer version, a step is missing, or the store is read-only
 */
export function isOutdated(
  variables: Readonly<JsonObject>,
  { version, migrate, readOnly }: Pick<MigrationOptions, 'version' | 'migrate'> & { readonly readOnly: boolean },
  store: string,
): boolean {
  // A program without a version takes any pool, and an empty pool fits any version.
  if (version === 0 || Object.keys(variables).length === 0) return false
  const from = versionOf(variables)
  if (from === version) return false
  if (!Number.isSafeInteger(from) || (from as number) < 1) {
    throw migrationError(store, `its ${VERSION_NAME} is ${JSON.stringify(from)}, and must be a whole number from 1`)
  }
  if ((from as number) > version) {
    throw newerError(store, from as number, version)
  }
  const missing = Array.from({ length: version - (from as number) }, (_, index) => (from as number) + 1 + index).find(
    (step) => !Object.hasOwn(migrate, step),
  )
  if (missing !== undefined) {
    throw migrationError(
      store,
      `it is of version ${from}, this program needs ${version}: pass migrate: { ${missing}: … }`,
    )
  }
  if (readOnly) {
    throw migrationError(
      store,
      `it is of version ${from}, this program needs ${version}, and may not change it (readOnly)`,
    )
  }
  return true
}

/** The error for a pool that a newer program has written. */
export function newerError(store: string, from: number, version: number): PersistError {
  return migrationError(store, `it was written by version ${from} of the program, this is ${version}`)
}

function migrationError(store: string, reason: string, cause?: unknown): PersistError {
  const text = `The pool of ${store} does not fit: ${reason}. Nothing was changed.`
  return new PersistError('ERR_PERSIST_SCHEMA', text, { store, cause })
}
