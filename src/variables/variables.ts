import type { JsonObject, JsonValue, ValueRules } from '../format/json.ts'
import { joinPayload, type Payload } from '../format/payload.ts'
import type { Edits } from '../merge/merge-patch.ts'
import type { Composition } from './composition.ts'
import type { Shelf } from './shelf.ts'
import { track } from './track.ts'
import { NO_RULES, type StoreRules } from './tracked.ts'
import { type Origin, Variable } from './variable.ts'

/**
 * The variables of one pool: their values, and exactly which of them the backend does not hold as they are.
 *
 * Every change marks its variable, and only marked variables are looked at again: what it costs to find out whether
 * there is anything to save follows what was changed, not the size of the pool.
 */
export class Variables {
  readonly #byName = new Map<string, Variable>()
  readonly #shelf: Shelf
  readonly #rules: StoreRules
  readonly #onTouch: () => void
  /** Touched since their text was made. */
  #stale: Variable[] = []
  /** Their text is not what the backend holds. */
  readonly #unconfirmed = new Set<Variable>()
  /** Touched since `takeNotes`. */
  #noted: Variable[] = []
  #inFlight: Composition | undefined
  /** The names of all that was changed here since the last composition, be it back to what it was. */
  #changed = new Set<string>()
  #snapshot: Readonly<JsonObject> | undefined

  /** @param onTouch called at the first change after `takeNotes` */
  constructor(shelf: Shelf, rules: StoreRules, onTouch: () => void) {
    this.#shelf = shelf
    this.#rules = rules
    this.#onTouch = onTouch
  }

  has(name: string): boolean {
    return this.#byName.get(name)?.value !== undefined
  }

  get(name: string): JsonValue | undefined {
    return this.#byName.get(name)?.value
  }

  names(): string[] {
    return this.#present().map((variable) => variable.name)
  }

  /**
   * Sets a variable to a copy of a value; undefined removes it.
   *
   * @throws {PersistError} ERR_PERSIST_NOT_STORABLE; nothing has changed then
   */
  set(name: string, value: unknown): void {
    if (value === undefined) return void this.delete(name)
    const variable = this.#of(name)
    // The same primitive, or a list or map put where it already is (`pt.list = pt.list.sort()`): nothing changes.
    if (variable.value !== value) this.#adopt(variable, this.#copy(variable, value, this.#rules), 'local')
  }

  /**
   * Sets and removes variables because somebody else has asked for it: all of them, or none.
   *
   * @throws {PersistError} ERR_PERSIST_NOT_STORABLE; nothing has changed then
   */
  edit(values: Edits): void {
    const copies = Array.from(values, ([name, value]) => {
      const variable = this.#of(name)
      return [variable, this.#copy(variable, value, this.#rules)] as const
    })
    for (const [variable, copy] of copies) {
      this.#adopt(variable, copy, 'remote')
      this.#changed.add(variable.name)
      // Asked of this store, and nothing that the backend holds already.
      variable.isTheirs = false
    }
  }

  /** Sets or removes a variable as somebody else has it; the backend holds it so already. */
  take(name: string, value: JsonValue | undefined, text: string | undefined): void {
    const variable = this.#of(name)
    this.#adopt(variable, this.#copy(variable, value, NO_RULES), 'remote')
    variable.stale = false
    this.#stale = this.#stale.filter((other) => other !== variable)
    variable.text = text
    this.#compare(variable)
  }

  delete(name: string): boolean {
    const variable = this.#byName.get(name)
    if (variable?.value === undefined) return false
    this.#adopt(variable, undefined, 'local')
    return true
  }

  /** Removes all variables but one. */
  clear(kept: string | undefined): void {
    for (const name of this.names()) if (name !== kept) this.delete(name)
  }

  /** Takes over a pool as the backend holds it; nothing is left to save. Throws and changes nothing if it cannot. */
  load(pool: Payload): void {
    const loaded = Object.keys(pool.values).map((name) => {
      const variable = this.#create(name)
      variable.value = this.#copy(variable, pool.values[name], NO_RULES)
      variable.text = variable.confirmed = pool.texts.get(name)
      return variable
    })
    for (const variable of loaded) {
      this.#byName.set(variable.name, variable)
      this.#show(variable)
    }
    this.#snapshot = undefined
  }

  /** Is there a variable that the backend does not hold as it is? */
  get unsaved(): boolean {
    this.#refresh()
    return this.#unconfirmed.size > 0
  }

  /** The variables that the backend does not hold as they are, frozen; undefined: removed. */
  unsavedValues(): Readonly<Record<string, JsonValue | undefined>> {
    return Object.freeze(Object.fromEntries(Array.from(this.unconfirmed(), (one) => [one.name, one.freeze()])))
  }

  /** The payload of all variables as they are now; `confirm` or `abandon` it before the next. */
  compose(): Composition {
    const texts = this.texts()
    const said = new Map(Array.from(this.#unconfirmed, (variable) => [variable, variable.text]))
    this.#inFlight = { payload: joinPayload(texts), said, overtaken: false, changed: this.#changed }
    this.#changed = new Set()
    return this.#inFlight
  }

  /** The backend holds what was composed. */
  confirm({ said }: Composition): void {
    this.#inFlight = undefined
    for (const [variable, text] of said) this.#confirmVariable(variable, text)
  }

  /** It is not known whether the backend holds what was composed. */
  abandon(): void {
    const { said, changed } = this.#inFlight ?? { said: new Map<Variable, undefined>(), changed: [] }
    this.#inFlight = undefined
    for (const name of changed) this.#changed.add(name)
    for (const variable of said.keys()) if (!variable.stale) this.#compare(variable)
  }

  /** The variables that the backend is not known to hold as they are now. */
  unconfirmed(): ReadonlySet<Variable> {
    this.#refresh()
    return this.#unconfirmed
  }

  /** The text that the backend is known to hold of a variable. */
  confirmedText(name: string): string | undefined {
    return this.#byName.get(name)?.confirmed
  }

  /** Is the value somebody else's, or was held once, and not touched here since? */
  isTheirs(name: string): boolean {
    return this.#byName.get(name)?.isTheirs === true
  }

  /** Was it changed here, and is that on its way, or to be sent next? */
  isInFlight(name: string): boolean {
    return this.#inFlight !== undefined && (this.#inFlight.changed.has(name) || this.#changed.has(name))
  }

  /** These were undone: what was held as it is here is to be sent again, and is no change of ours. */
  undone(names: Iterable<string>): void {
    const ours = this.unconfirmed()
    for (const name of names) this.#of(name).isTheirs ||= !ours.has(this.#of(name))
  }

  /** The text of a variable as it is now. */
  text(name: string): string | undefined {
    this.#refresh()
    return this.#byName.get(name)?.text
  }

  /** The texts of all variables as they are now. */
  texts(): (readonly [name: string, text: string])[] {
    this.#refresh()
    const texts: (readonly [string, string])[] = []
    for (const { name, text } of this.#byName.values()) if (text !== undefined) texts.push([name, text])
    return texts
  }

  /** The names of all variables that are here or at the backend. */
  knownNames(): string[] {
    return [...this.#byName.keys()]
  }

  /** Somebody else wrote: the backend holds this text of a variable, until what is in flight lands over it. */
  confirmForeign(name: string, text: string | undefined): void {
    const variable = this.#of(name)
    this.#byName.set(name, variable)
    if (this.#inFlight !== undefined) {
      this.#inFlight.overtaken = true
      if (!this.#inFlight.said.has(variable)) this.#inFlight.said.set(variable, variable.confirmed)
    }
    this.#confirmVariable(variable, text)
  }

  /** The backend holds exactly these texts. */
  confirmAll(texts: ReadonlyMap<string, string>): void {
    this.#refresh()
    for (const name of new Set([...this.#byName.keys(), ...texts.keys()])) this.confirmForeign(name, texts.get(name))
  }

  /** Somebody else wrote the same value as it is here, perhaps in other words: theirs are as good. */
  adoptText(name: string, text: string | undefined): void {
    const variable = this.#byName.get(name)
    if (variable === undefined) return
    this.#refresh()
    variable.text = text
    this.#compare(variable)
  }

  /** The variables touched since the last call. */
  takeNotes(): Variable[] {
    const noted = this.#noted
    this.#noted = []
    return noted
  }

  /** From now on `shown` is what listeners know: called when the first one comes. */
  showAll(): void {
    for (const variable of this.#byName.values()) variable.shown = variable.freeze()
  }

  /** All variables, frozen; what has not changed since the last snapshot is the same object. */
  snapshot(): Readonly<JsonObject> {
    if (this.#snapshot === undefined) {
      // fromEntries defines properties, so that a variable called __proto__ becomes one.
      const entries = this.#present().map((variable) => [variable.name, variable.freeze() as JsonValue] as const)
      this.#snapshot = Object.freeze(Object.fromEntries(entries))
    }
    return this.#snapshot
  }

  #present(): Variable[] {
    return Array.from(this.#byName.values()).filter((variable) => variable.value !== undefined)
  }

  #of(name: string): Variable {
    return this.#byName.get(name) ?? this.#create(name)
  }

  #create(name: string): Variable {
    return new Variable(name, this.#rules, this.#touched)
  }

  #copy(variable: Variable, value: unknown, rules: ValueRules): JsonValue | undefined {
    return value === undefined ? undefined : track(value, variable, rules, () => variable.pathOf())
  }

  /** Gives a variable its value, a copy that has proved storable. */
  #adopt(variable: Variable, copy: JsonValue | undefined, origin: Origin): void {
    variable.value = copy
    this.#byName.set(variable.name, variable)
    this.#show(variable)
    this.#touched(variable, origin)
  }

  readonly #touched = (variable: Variable, origin: Origin = 'local'): void => {
    this.#snapshot = undefined
    variable.isTheirs = origin === 'remote'
    if (!variable.stale) {
      if (origin === 'local') this.#changed.add(variable.name)
      variable.stale = true
      this.#stale.push(variable)
    }
    if (variable.noted === undefined) {
      variable.noted = origin
      if (this.#noted.push(variable) === 1) this.#onTouch()
    }
  }

  #show({ name, value }: Variable): void {
    if (value === undefined) this.#shelf.remove(name)
    else this.#shelf.put(name, value)
  }

  #refresh(): void {
    if (this.#stale.length === 0) return
    for (const variable of this.#stale) {
      variable.refresh()
      this.#compare(variable)
    }
    this.#stale = []
  }

  #confirmVariable(variable: Variable, text: string | undefined): void {
    variable.confirmed = text
    if (!variable.stale) this.#compare(variable)
  }

  #compare(variable: Variable): void {
    // What is in flight may land at any time: a variable that is back at its confirmed value meanwhile is not saved.
    const isSaved = variable.text === variable.confirmed && !this.#inFlight?.said.has(variable)
    if (!isSaved) return void this.#unconfirmed.add(variable)
    this.#unconfirmed.delete(variable)
    // Gone here and at the backend: nothing is left to remember.
    const gone = variable.value === undefined && variable.text === undefined
    if (gone && this.#byName.get(variable.name) === variable) this.#byName.delete(variable.name)
  }
}
