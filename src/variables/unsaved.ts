import type { JsonValue } from '../format/json.ts'
import { joinPayload } from '../format/payload.ts'
import type { Origin, Variable } from './variable.ts'

/** A pool's payload on its way to the backend. */
export interface PendingWrite {
  readonly payload: string
  /** What it says of each variable for which the backend is not known to hold just that. */
  readonly texts: Map<Variable, string | undefined>
  /** Somebody else has written since this was composed. */
  raced: boolean
  /** The names of what this program had changed before, be it back to what it was. */
  readonly changed: ReadonlySet<string>
}

/** The variables of a pool by name, those too that are gone here and that the backend still holds. */
export interface KnownVariables {
  readonly byName: Map<string, Variable>
  /** The variable of that name; a new one where there is none. */
  of(name: string): Variable
}

/**
 * Exactly which variables the backend does not hold as they are here.
 *
 * Every change marks its variable, and only marked variables are looked at again: what it costs to find out whether
 * there is anything to save follows what was changed, not the size of the pool.
 */
export class Unsaved {
  readonly #known: KnownVariables
  /** Touched since their text was made. */
  #stale: Variable[] = []
  /** Their text is not what the backend holds. */
  readonly #unconfirmed = new Set<Variable>()
  #inFlight: PendingWrite | undefined
  /** The names of all that this program has changed since the last composition. */
  #changed = new Set<string>()

  constructor(known: KnownVariables) {
    this.#known = known
  }

  /** Does the backend hold every variable as it is here? */
  get isEmpty(): boolean {
    return this.variables().size === 0
  }

  /** The variables that the backend is not known to hold as they are now. */
  variables(): ReadonlySet<Variable> {
    this.refresh()
    return this.#unconfirmed
  }

  /** Their values, frozen; undefined: the variable was removed. */
  values(): Readonly<Record<string, JsonValue | undefined>> {
    return Object.freeze(Object.fromEntries(Array.from(this.variables(), (one) => [one.name, one.freeze()])))
  }

  /** The payload of all variables as they are now; `confirm` or `abandon` it before the next. */
  compose(): PendingWrite {
    const texts = new Map(Array.from(this.variables(), (variable) => [variable, variable.text]))
    this.#inFlight = { payload: joinPayload(this.texts()), texts, raced: false, changed: this.#changed }
    this.#changed = new Set()
    return this.#inFlight
  }

  /** The backend holds what was composed. */
  confirm({ texts }: PendingWrite): void {
    this.#inFlight = undefined
    for (const [variable, text] of texts) this.#confirmVariable(variable, text)
  }

  /** It is not known whether the backend holds what was composed. */
  abandon(): void {
    const { texts, changed } = this.#inFlight ?? { texts: new Map<Variable, undefined>(), changed: [] }
    this.#inFlight = undefined
    for (const name of changed) this.#changed.add(name)
    for (const variable of texts.keys()) if (!variable.stale) this.#compare(variable)
  }

  /** Somebody else wrote: the backend holds this text of a variable, until what is in flight lands over it. */
  confirmForeign(name: string, text: string | undefined): void {
    const variable = this.#known.of(name)
    this.#known.byName.set(name, variable)
    if (this.#inFlight !== undefined) {
      this.#inFlight.raced = true
      if (!this.#inFlight.texts.has(variable)) this.#inFlight.texts.set(variable, variable.confirmed)
    }
    this.#confirmVariable(variable, text)
  }

  /** The backend holds exactly these texts. */
  confirmAll(texts: ReadonlyMap<string, string>): void {
    this.refresh()
    const names = new Set([...this.#known.byName.keys(), ...texts.keys()])
    for (const name of names) this.confirmForeign(name, texts.get(name))
  }

  /** Somebody else wrote the same value as it is here, perhaps in other words: theirs are as good. */
  adoptText(name: string, text: string | undefined): void {
    const variable = this.#known.byName.get(name)
    if (variable === undefined) return
    this.refresh()
    variable.text = text
    this.#compare(variable)
  }

  /** These were undone: the store sends again what the backend held of them, and that is no change of this program. */
  toResend(names: Iterable<string>): void {
    const ours = this.variables()
    for (const name of names) {
      const variable = this.#known.of(name)
      variable.passedOn ||= !ours.has(variable)
    }
  }

  /** The text that the backend is known to hold of a variable. */
  confirmedText(name: string): string | undefined {
    return this.#known.byName.get(name)?.confirmed
  }

  /** Does this program only pass the value on: was it somebody else's, or held once, and not touched here since? */
  isPassedOn(name: string): boolean {
    return this.#known.byName.get(name)?.passedOn === true
  }

  /** Has this program changed it, and is that on its way, or to be sent next? */
  isInFlight(name: string): boolean {
    return this.#inFlight !== undefined && (this.#inFlight.changed.has(name) || this.#changed.has(name))
  }

  /** The text of a variable as it is now. */
  text(name: string): string | undefined {
    this.refresh()
    return this.#known.byName.get(name)?.text
  }

  /** The texts of all variables as they are now. */
  texts(): (readonly [name: string, text: string])[] {
    this.refresh()
    const texts: (readonly [string, string])[] = []
    for (const { name, text } of this.#known.byName.values()) if (text !== undefined) texts.push([name, text])
    return texts
  }

  /** A variable, or something in it, has changed. */
  touched(variable: Variable, origin: Origin): void {
    variable.passedOn = origin === 'remote'
    if (variable.stale) return
    if (origin === 'local') this.#changed.add(variable.name)
    variable.stale = true
    this.#stale.push(variable)
  }

  /** Somebody asked this store for the change: the backend does not hold it already, so the store does not pass it on. */
  edited(variable: Variable): void {
    this.#changed.add(variable.name)
    variable.passedOn = false
  }

  /** The store took a variable from the backend, which holds this text of it. */
  taken(variable: Variable, text: string | undefined): void {
    variable.stale = false
    this.#stale = this.#stale.filter((other) => other !== variable)
    variable.text = text
    this.#compare(variable)
  }

  /** Makes the texts of touched variables again. */
  refresh(): void {
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
    const isSaved = variable.text === variable.confirmed && !this.#inFlight?.texts.has(variable)
    if (!isSaved) return void this.#unconfirmed.add(variable)
    this.#unconfirmed.delete(variable)
    // Gone here and at the backend: nothing is left to remember.
    const isGone = variable.value === undefined && variable.text === undefined
    const { byName } = this.#known
    if (isGone && byName.get(variable.name) === variable) byName.delete(variable.name)
  }
}
