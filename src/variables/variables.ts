import type { JsonObject, JsonValue, ValueRules } from '../format/json.ts'
import type { Payload } from '../format/payload.ts'
import type { Edits } from '../merge/merge-patch.ts'
import { KnownVariables } from './known-variables.ts'
import { track } from './track.ts'
import { NO_RULES, type StoreRules } from './tracked.ts'
import { Unsaved } from './unsaved.ts'
import { type Origin, Variable } from './variable.ts'

/** An object with the values as plain properties, so that a read calls no function. */
export interface ValueTarget {
  put(name: string, value: JsonValue): void
  remove(name: string): void
}

/** The values of one pool's variables; `unsaved` tracks what the backend does not hold of them. */
export class Variables {
  readonly unsaved: Unsaved
  readonly #known: KnownVariables
  readonly #target: ValueTarget
  readonly #rules: StoreRules
  readonly #onTouch: (name: string, origin: Origin) => void
  #snapshot: Readonly<JsonObject> | undefined

  /** @param onTouch called at every change */
  constructor(target: ValueTarget, rules: StoreRules, onTouch: (name: string, origin: Origin) => void) {
    this.#target = target
    this.#rules = rules
    this.#onTouch = onTouch
    this.#known = new KnownVariables((name) => new Variable(name, this.#rules, this.#touched))
    this.unsaved = new Unsaved(this.#known)
  }

  get(name: string): JsonValue | undefined {
    return this.#known.find(name)?.value
  }

  names(): string[] {
    return this.#present().map((variable) => variable.name)
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
    const variable = this.#known.of(name)
    // The same primitive, or a list or map put where it already is (`pt.list = pt.list.sort()`): nothing changes.
    if (variable.value !== value) this.#adopt(variable, this.#copy(variable, value, this.#rules), 'local')
  }

  /**
   * Sets and removes variables because an editor asked for it: all of them, or none.
   *
   * @throws {PersistError} ERR_PERSIST_NOT_STORABLE, and changes nothing
   */
  edit(values: Edits): void {
    const copies = Array.from(values, ([name, value]) => {
      const variable = this.#known.of(name)
      return [variable, this.#copy(variable, value, this.#rules)] as const
    })
    for (const [variable, copy] of copies) {
      this.#adopt(variable, copy, 'remote')
      this.unsaved.edited(variable)
    }
  }

  /** Sets or removes a variable as another writer did; the backend holds this text of it. */
  take(name: string, value: JsonValue | undefined, text: string | undefined): void {
    const variable = this.#known.of(name)
    this.#adopt(variable, this.#copy(variable, value, NO_RULES), 'remote')
    this.unsaved.taken(variable, text)
  }

  delete(name: string): boolean {
    const variable = this.#known.find(name)
    if (variable?.value === undefined) return false
    this.#adopt(variable, undefined, 'local')
    return true
  }

  /** Removes all variables but one. */
  clear(kept: string | undefined): void {
    for (const name of this.names()) if (name !== kept) this.delete(name)
  }

  /** Takes a pool as the backend holds it, so that nothing is unsaved; changes nothing where it throws. */
  load(pool: Payload): void {
    const loaded = Object.keys(pool.values).map((name) => {
      const variable = new Variable(name, this.#rules, this.#touched)
      variable.value = this.#copy(variable, pool.values[name], NO_RULES)
      return variable
    })
    for (const variable of loaded) {
      this.#known.keep(variable)
      variable.text = variable.confirmed = pool.texts.get(variable.name)
      this.#toTarget(variable)
    }
  }

  /** A frozen copy of a variable's value, which shares unchanged objects with the copy before. */
  frozen(name: string): JsonValue | undefined {
    return this.#known.find(name)?.freeze()
  }

  /** All variables, frozen, which shares unchanged objects with the snapshot before. */
  snapshot(): Readonly<JsonObject> {
    if (this.#snapshot === undefined) {
      // fromEntries defines properties, so that a variable called __proto__ becomes one.
      const entries = this.#present().map((variable) => [variable.name, variable.freeze() as JsonValue] as const)
      this.#snapshot = Object.freeze(Object.fromEntries(entries))
    }
    return this.#snapshot
  }

  #present(): Variable[] {
    return Array.from(this.#known.all()).filter((variable) => variable.value !== undefined)
  }

  #copy(variable: Variable, value: unknown, rules: ValueRules): JsonValue | undefined {
    return value === undefined ? undefined : track(value, variable, rules, () => variable.pathOf())
  }

  #adopt(variable: Variable, copy: JsonValue | undefined, origin: Origin): void {
    variable.value = copy
    this.#known.keep(variable)
    this.#toTarget(variable)
    this.#touched(variable, origin)
  }

  readonly #touched = (variable: Variable, origin: Origin = 'local'): void => {
    this.#snapshot = undefined
    this.unsaved.touched(variable, origin)
    this.#onTouch(variable.name, origin)
  }

  #toTarget({ name, value }: Variable): void {
    if (value === undefined) this.#target.remove(name)
    else this.#target.put(name, value)
  }
}
