import { type JsonObject, type JsonValue, ownValue, sameJson } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { newerError, VERSION_NAME, versionOf } from '../schema/migration.ts'
import { type Checked, checked, type SchemaIssue, schemaError } from '../schema/schema.ts'
import type { StoreContext } from './context.ts'
import { checkSize, type PoolToSave } from './size-limit.ts'

/** So many times in a row the store takes a newer version for another writer's mistake, and puts it right. */
const MISTAKES = 5

/** Holds the variables to the program's schema and version, whoever changed them. */
export class Validation {
  readonly #context: StoreContext
  readonly #retire: (error: PersistError) => void
  /** Faults of other writers that the store accepted (onInvalid: 'accept'): it refuses no save for them. */
  #accepted: ReadonlySet<string> = new Set()
  /** How often in a row other writers wrote a newer version. */
  #newer = 0

  /** @param retire a newer program has this pool, and does not stop writing it: this one is to leave it alone */
  constructor(context: StoreContext, retire: (error: PersistError) => void) {
    this.#context = context
    this.#retire = retire
  }

  /**
   * The variables of a pool as this program wants them: with its version where the pool is new, with its defaults, and as
   * its schema coerces them. The very object that was given where nothing changes.
   *
   * @throws {PersistError} ERR_PERSIST_SCHEMA
   */
  opened(variables: JsonObject): JsonObject {
    const { version, defaults, readOnly, onInvalid } = this.#context.options
    const isNew = version > 0 && Object.keys(variables).length === 0
    const noted = isNew ? { [VERSION_NAME]: version } : variables
    const lacksDefaults = !readOnly && Object.keys(defaults).some((name) => !Object.hasOwn(noted, name))
    const whole = lacksDefaults ? { ...(defaults as JsonObject), ...noted } : noted
    const found = this.#check(whole)
    if (found?.issues === undefined) return readOnly ? variables : (found?.values ?? whole)
    const error = schemaError(this.#context.storeName, found.issues)
    if (onInvalid === 'reject') throw error
    this.#accept(found.issues)
    // Later, so that a program that awaits the store can listen first.
    setTimeout(() => this.#context.report(error), 0)
    return readOnly ? variables : whole
  }

  /**
   * Throws what keeps a pool from being saved.
   *
   * @throws {PersistError} ERR_PERSIST_TOO_LARGE, ERR_PERSIST_SCHEMA
   */
  assertSavable(pool: PoolToSave): void {
    this.assertSize(pool)
    if (this.#context.options.schema === undefined) return
    const issues = this.#check(pool.values())?.issues?.filter((issue) => !this.#accepted.has(keyOf(issue)))
    if (issues !== undefined && issues.length > 0) throw schemaError(this.#context.storeName, issues)
  }

  /** @throws {PersistError} ERR_PERSIST_TOO_LARGE: the pool is over the limit of the program, or of the backend */
  assertSize(pool: PoolToSave): void {
    const { options, state, storeName } = this.#context
    checkSize(pool, Math.min(options.maxBytes, state.held?.limitBytes ?? options.maxBytes), storeName)
  }

  /** The variables before the store takes another writer's changes, for `merged`; undefined: no schema and no version. */
  before(): Readonly<JsonObject> | undefined {
    const { options, variables } = this.#context
    return options.schema === undefined && options.version === 0 ? undefined : variables.snapshot()
  }

  /**
   * The store has taken another writer's changes: coerces them, or takes back what the schema refuses.
   *
   * @param changed the names of the changed variables; `before` has all as they were, `written` what the writer wrote
   *
   * @returns 'taken': as written. 'coerced': the store is to save what the schema made of it. 'refused': the store is to
   * save what was there before. 'ended': this store writes no more
   */
  merged(
    changed: readonly string[],
    before: Readonly<JsonObject>,
    written: Readonly<JsonObject>,
  ): 'taken' | 'coerced' | 'refused' | 'ended' {
    const version = this.#mergedVersion(changed, before, versionOf(written))
    if (version === 'refused' || version === 'ended') return version
    const { variables, storeName, report, options } = this.#context
    const found = this.#check(variables.snapshot())
    if (found === undefined) return version
    if (found.issues === undefined) {
      this.#accept([])
      if (options.readOnly) return version
      const different = changed.filter((name) => this.#put(name, found.values))
      return different.length > 0 ? 'coerced' : version
    }
    const error = schemaError(storeName, found.issues)
    // A store that only reads can only report.
    if (options.onInvalid === 'accept' || options.readOnly) {
      if (found.issues.some((issue) => !this.#accepted.has(keyOf(issue)))) report(error)
      this.#accept(found.issues)
      return version
    }
    // What was invalid before is no fault of the other writer: the next save of this program reports it.
    const old = new Set(this.#check(before)?.issues?.map(keyOf))
    const isOld = (issue: SchemaIssue) => old.has(keyOf(issue))
    if (found.issues.every(isOld)) return version
    report(error)
    const atFault = changed.filter((name) => found.names?.has(name))
    for (const name of atFault) this.#put(name, before)
    // Where the schema does not say which variables are at fault, or not all of them: all or nothing.
    if (!(this.#check(variables.snapshot())?.issues ?? []).every(isOld))
      for (const name of changed) this.#put(name, before)
    return 'refused'
  }

  /** The version tells the shape that this program gives the pool: no other writer may change it. */
  #mergedVersion(
    changed: readonly string[],
    before: Readonly<JsonObject>,
    theirs: JsonValue,
  ): 'taken' | 'coerced' | 'refused' | 'ended' {
    const { options, storeName, report } = this.#context
    if (options.version === 0) return 'taken'
    const isNewer = typeof theirs === 'number' && theirs > options.version
    this.#newer = isNewer ? this.#newer + 1 : 0
    if (!isNewer)
      return changed.includes(VERSION_NAME) && !options.readOnly && this.#put(VERSION_NAME, before)
        ? 'coerced'
        : 'taken'
    const error = newerError(storeName, theirs, options.version)
    if (this.#newer > MISTAKES && !options.readOnly) {
      this.#retire(error)
      return 'ended'
    }
    report(error)
    // A store that only reads can only report.
    if (options.readOnly) return 'taken'
    for (const name of changed) this.#put(name, before)
    return 'refused'
  }

  #accept(issues: readonly SchemaIssue[]): void {
    this.#accepted = new Set(issues.map(keyOf))
  }

  /** Undefined: there is no schema. */
  #check(variables: Readonly<JsonObject>): Checked | undefined {
    const { schema } = this.#context.options
    return schema && checked(variables, schema)
  }

  /** Gives a variable the value that it has in `values`; returns whether that changed it. */
  #put(name: string, values: Readonly<JsonObject>): boolean {
    const { variables } = this.#context
    const value = ownValue(values, name)
    if (sameJson(value, variables.get(name))) return false
    variables.set(name, value)
    return true
  }
}

function keyOf({ path, message }: SchemaIssue): string {
  return `${path}\0${message}`
}
