import { type JsonObject, type JsonValue, ownValue, sameJson } from '../format/json.ts'
import type { PersistError } from '../runtime/errors.ts'
import { newerError, VERSION_NAME, versionOf } from '../schema/migration.ts'
import { type Checked, checked, type SchemaIssue, schemaError } from '../schema/schema.ts'
import type { Variables } from '../variables/variables.ts'
import type { ResolvedOptions } from './options.ts'

/** What holding a pool to its schema needs of the store around it. */
export interface FittingHost {
  /** Name and place, for messages. */
  readonly label: string
  readonly options: Pick<ResolvedOptions, 'schema' | 'version' | 'defaults' | 'onInvalid' | 'readOnly'>
  readonly variables: Variables
  trouble(error: PersistError): void
  /** A newer program has this pool, and does not stop writing it: this one is to leave it alone. */
  outdated(error: PersistError): void
}

/** So many times in a row a newer version is taken for somebody's mistake, and put right. */
const MISTAKES = 5

/** Holds the variables to the program's schema and version, whoever has changed them. */
export class Fitting {
  readonly #host: FittingHost
  /** Faults that others have made, and that were accepted; no save is refused for them. */
  #accepted: ReadonlySet<string> = new Set()
  /** How often in a row others have written a newer version. */
  #newer = 0

  constructor(host: FittingHost) {
    this.#host = host
  }

  /**
   * The variables of a pool as this program wants them: with its version where it is new, its defaults, as its schema
   * says. The very object that was given where nothing is to be added or changed.
   *
   * @throws {PersistError} ERR_PERSIST_SCHEMA
   */
  opened(variables: JsonObject): JsonObject {
    const { version, defaults, readOnly, onInvalid } = this.#host.options
    const isNew = version > 0 && Object.keys(variables).length === 0
    const noted = isNew ? { [VERSION_NAME]: version } : variables
    const hasDefaults = !readOnly && Object.keys(defaults).length > 0
    const whole = hasDefaults ? { ...(defaults as JsonObject), ...noted } : noted
    const found = this.#check(whole)
    if (found?.issues === undefined) return readOnly ? variables : (found?.values ?? whole)
    const error = schemaError(this.#host.label, found.issues)
    if (onInvalid === 'reject') throw error
    this.#accept(found.issues)
    // Whoever has waited for the store gets to listen first.
    setTimeout(() => this.#host.trouble(error), 0)
    return readOnly ? variables : whole
  }

  /** Throws ERR_PERSIST_SCHEMA for a pool that is not to be sent. */
  check(variables: () => Readonly<JsonObject>): void {
    if (this.#host.options.schema === undefined) return
    const issues = this.#check(variables())?.issues?.filter((issue) => !this.#accepted.has(keyOf(issue)))
    if (issues !== undefined && issues.length > 0) throw schemaError(this.#host.label, issues)
  }

  /** What there is before others' changes are taken, for `merged`; undefined: that needs none. */
  before(): Readonly<JsonObject> | undefined {
    const { options, variables } = this.#host
    return options.schema === undefined && options.version === 0 ? undefined : variables.snapshot()
  }

  /**
   * Others' changes have been taken: fits them, or takes back what does not fit.
   *
   * @param changed the names of what was changed; `before` is all as it was, `written` what they wrote
   *
   * @returns 'fitted': something is to be saved; 'refused': and it is not what they wanted; 'ended': nothing is saved any more
   */
  merged(
    changed: readonly string[],
    before: Readonly<JsonObject>,
    written: Readonly<JsonObject>,
  ): 'taken' | 'fitted' | 'refused' | 'ended' {
    const version = this.#mergedVersion(changed, before, versionOf(written))
    if (version === 'refused' || version === 'ended') return version
    const { variables, label, trouble, options } = this.#host
    const found = this.#check(variables.snapshot())
    if (found === undefined) return version
    if (found.issues === undefined) {
      this.#accept([])
      if (options.readOnly) return version
      const different = changed.filter((name) => this.#put(name, found.values))
      return different.length > 0 ? 'fitted' : version
    }
    const error = schemaError(label, found.issues)
    // A store that changes nothing can only tell.
    if (options.onInvalid === 'accept' || options.readOnly) {
      if (found.issues.some((issue) => !this.#accepted.has(keyOf(issue)))) trouble(error)
      this.#accept(found.issues)
      return version
    }
    // What did not fit before is no fault of theirs: the next save tells.
    const ours = new Set(this.#check(before)?.issues?.map(keyOf))
    const isOurs = (issue: SchemaIssue) => ours.has(keyOf(issue))
    if (found.issues.every(isOurs)) return version
    trouble(error)
    const atFault = changed.filter((name) => found.names?.has(name))
    for (const name of atFault) this.#put(name, before)
    // Where it is not said which ones are at fault, or others are to blame as well: all or nothing.
    if (!(this.#check(variables.snapshot())?.issues ?? []).every(isOurs))
      for (const name of changed) this.#put(name, before)
    return 'refused'
  }

  /** The version is of the shape that this program gives the pool, and nobody else's to change. */
  #mergedVersion(
    changed: readonly string[],
    before: Readonly<JsonObject>,
    theirs: JsonValue,
  ): 'taken' | 'fitted' | 'refused' | 'ended' {
    const { options, label, trouble, outdated } = this.#host
    if (options.version === 0) return 'taken'
    const isNewer = typeof theirs === 'number' && theirs > options.version
    this.#newer = isNewer ? this.#newer + 1 : 0
    if (!isNewer)
      return changed.includes(VERSION_NAME) && !options.readOnly && this.#put(VERSION_NAME, before) ? 'fitted' : 'taken'
    const error = newerError(label, theirs, options.version)
    if (this.#newer > MISTAKES && !options.readOnly) {
      outdated(error)
      return 'ended'
    }
    trouble(error)
    // A store that changes nothing can only tell.
    if (options.readOnly) return 'taken'
    for (const name of changed) this.#put(name, before)
    return 'refused'
  }

  #accept(issues: readonly SchemaIssue[]): void {
    this.#accepted = new Set(issues.map(keyOf))
  }

  /** Undefined: there is no schema. */
  #check(variables: Readonly<JsonObject>): Checked | undefined {
    const { schema } = this.#host.options
    return schema && checked(variables, schema)
  }

  /** Gives a variable the value that it has there; is that another one? */
  #put(name: string, values: Readonly<JsonObject>): boolean {
    const { variables } = this.#host
    const value = ownValue(values, name)
    if (sameJson(value, variables.get(name))) return false
    variables.set(name, value)
    return true
  }
}

function keyOf({ path, message }: SchemaIssue): string {
  return `${path}\0${message}`
}
