import { type ExactJson, plain, printExactLike, printLike } from '../format/exact-json.ts'
import { isContainer, type JsonObject, type JsonValue, ownValue, type ValueRules } from '../format/json.ts'
import type { DecodedPayload } from '../format/payload.ts'
import type { Steps } from '../runtime/slices.ts'
import { KnownVariables } from './known-variables.ts'
import { storableCopy } from './storable-copy.ts'
import { track } from './track.ts'
import { frozen, NO_RULES, type StoreRules } from './tracked.ts'
import { Unsaved } from './unsaved.ts'
import type { Origin, Variable } from './variable.ts'
import { VariableHolder } from './variable-holder.ts'

/** Shows the values as plain properties, so that a read calls no function. */
export interface ValueTarget {
  /** Shows this object, which has the values as properties, now and later. */
  show(values: JsonObject): void
  /** A value in that object was set or removed. */
  changed(name: string): void
}

/** What an editor wants a variable to be. */
export interface Edit {
  readonly name: string
  readonly variable: Variable
  /** Undefined removes it. */
  readonly value: JsonValue | undefined
  /** The value as JSON. */
  readonly text: string | undefined
}

/** The values of one pool's variables; `unsaved` tracks what the backend does not hold of them. */
export class Variables {
  readonly unsaved: Unsaved
  readonly #known: KnownVariables
  readonly #target: ValueTarget
  readonly #rules: StoreRules
  readonly #onTouch: (name: string, origin: Origin) => void
  /** How many changes there were, of whomever. */
  changeCount = 0
  #values: JsonObject = {}
  #snapshot: Readonly<JsonObject> | undefined

  /** @param onTouch called at every change */
  constructor(target: ValueTarget, rules: StoreRules, onTouch: (name: string, origin: Origin) => void) {
    this.#target = target
    this.#rules = rules
    this.#onTouch = onTouch
    this.#known = new KnownVariables((name) => Object.hasOwn(this.#values, name))
    this.unsaved = new Unsaved(this.#known, (name) => this.frozen(name))
  }

  get(name: string): JsonValue | undefined {
    return ownValue(this.#values, name)
  }

  names(): string[] {
    return Object.keys(this.#values)
  }

  /** The names of all variables that this store or the backend has. */
  knownNames(): string[] {
    return this.#known.names()
  }

  /**
   * Sets a variable to a copy of a value; undefined removes it.
   *
   * @throws {PersistError} ERR_PERSIST_NOT_STORABLE, and changes nothing
   */
  set(name: string, value: unknown): void {
    if (value === undefined) return void this.delete(name)
    // The same primitive, or a list or map put where it already is (`pt.list = pt.list.sort()`): nothing changes.
    if (this.#values[name] === value && Object.hasOwn(this.#values, name)) return
    this.#touched(this.#adopt(name, this.#copy(name, value, this.#rules)))
  }

  /**
   * Makes places for variables that an editor asks for, so that there is less to do when they are set; in steps. Returns
   * the new ones, for `unsaved.release`.
   *
   * @param count how many variables will be changed
   */
  *prepare(names: Iterable<string>, count: number): Steps<readonly Variable[]> {
    yield* this.#known.openFor(count)
    const added: Variable[] = []
    for (const name of names) {
      const variable = this.#known.of(name)
      if (variable.block === undefined) added.push(variable)
      this.#known.keep(variable)
      yield
    }
    return added
  }

  /**
   * A variable as an editor wants it to be: a copy of the value, with the digits of its numbers in the text.
   *
   * @throws {PersistError} ERR_PERSIST_NOT_STORABLE
   */
  editOf(name: string, value: ExactJson | undefined): Edit {
    const variable = this.#known.of(name)
    if (value === undefined) return { name, variable, value, text: undefined }
    this.unsaved.refresh()
    const plainValue = plain(value)
    const isPlain = plainValue === value
    const text = isPlain ? printLike(plainValue, variable.text) : printExactLike(value, variable.text)
    return { name, variable, value: this.#copy(name, plainValue, this.#rules), text }
  }

  /** Sets and removes variables because an editor asked for it. */
  edit(edits: readonly Edit[]): void {
    for (const { name, variable, value, text } of edits) {
      this.unsaved.edited(this.#adopt(name, value, variable), text)
      this.#announce(name, 'remote')
    }
  }

  /** Sets or removes a variable as another writer did; the backend holds this text of it. */
  take(name: string, value: JsonValue | undefined, text: string | undefined): void {
    const copy = this.#copy(name, value, NO_RULES)
    this.unsaved.taken(this.#adopt(name, copy), text)
    this.#announce(name, 'remote')
  }

  delete(name: string): boolean {
    if (!Object.hasOwn(this.#values, name)) return false
    this.#touched(this.#adopt(name, undefined))
    return true
  }

  /** Removes all variables but one. */
  clear(kept: string | undefined): void {
    for (const name of this.names()) if (name !== kept) this.delete(name)
  }

  /** Takes a pool as the backend holds it, so that nothing is unsaved. Its values must be nobody else's. */
  load(pool: DecodedPayload): void {
    const { values } = pool
    const names = pool.members.isFlat ? [] : pool.names
    for (const name of names) {
      const value = values[name] as JsonValue
      if (isContainer(value)) values[name] = track(value, this.#holderOf(name))
    }
    this.#known.load(pool)
    this.#values = values
    this.#target.show(values)
  }

  /** A frozen copy of a variable's value, which shares unchanged objects with the copy before. */
  frozen(name: string): JsonValue | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : frozen(value)
  }

  /** All variables, frozen, which shares unchanged objects with the snapshot before. */
  snapshot(): Readonly<JsonObject> {
    if (this.#snapshot === undefined) {
      // fromEntries defines properties, so that a variable called __proto__ becomes one.
      const entries = this.names().map((name) => [name, frozen(this.#values[name] as JsonValue)] as const)
      this.#snapshot = Object.freeze(Object.fromEntries(entries))
    }
    return this.#snapshot
  }

  #copy(name: string, value: unknown, rules: ValueRules): JsonValue | undefined {
    if (value === undefined) return undefined
    const copy = storableCopy(value, rules, 0, () => this.#holderOf(name).pathOf())
    return isContainer(copy) ? track(copy, this.#holderOf(name)) : copy
  }

  #holderOf(name: string): VariableHolder {
    return new VariableHolder(name, this.#rules, this.#known, this.#touched)
  }

  #adopt(name: string, copy: JsonValue | undefined, found?: Variable): Variable {
    // One that is not kept any more may have been replaced.
    const variable = found?.block === undefined ? this.#known.of(name) : found
    this.#known.keep(variable)
    if (copy === undefined) delete this.#values[name]
    else putOwn(this.#values, name, copy)
    this.#target.changed(name)
    return variable
  }

  /** This program has changed a variable, or something in it. */
  readonly #touched = (variable: Variable): void => {
    this.unsaved.touched(variable)
    this.#announce(variable.name, 'local')
  }

  #announce(name: string, origin: Origin): void {
    this.#snapshot = undefined
    this.changeCount += 1
    this.#onTouch(name, origin)
  }
}

/** Sets an own property, even where the object inherits an accessor of that name: `__proto__`, or a member of the store. */
function putOwn(values: JsonObject, name: string, value: JsonValue): void {
  if (Object.hasOwn(values, name) || !(name in values)) values[name] = value
  else Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true })
}
