import { printLike } from '../format/exact-json.ts'
import type { JsonValue } from '../format/json.ts'
import { type DecodedPayload, encodeRevision, hashed } from '../format/payload.ts'
import type { Revision } from '../format/revision.ts'
import type { Steps } from '../runtime/slices.ts'
import type { KnownVariables } from './known-variables.ts'
import type { Variable } from './variable.ts'

/** A pool's payload on its way to the backend. */
export interface PendingWrite {
  readonly bytes: Uint8Array
  readonly revision: Revision
  /** The texts in it that the backend is not known to hold; undefined: the variable was removed. */
  readonly texts: Map<Variable, string | undefined>
  /** Another writer has written since the store composed this. */
  raced: boolean
  /** The names of the variables that this program had changed before, perhaps back to their old value. */
  readonly changed: ReadonlySet<string>
}

/**
 * Exactly which variables the backend does not hold as this store has them.
 *
 * A change marks its variable, and the store compares only marked ones: the cost follows the changes, not the pool's size.
 */
export class Unsaved {
  readonly #known: KnownVariables
  readonly #frozenValue: (name: string) => JsonValue | undefined
  /** Touched since their text was made. */
  #stale: Variable[] = []
  /** Their text is not what the backend holds. */
  readonly #unconfirmed = new Set<Variable>()
  #inFlight: PendingWrite | undefined
  /** The names of the variables that this program has changed since the last composition. */
  #changed = new Set<string>()

  /** @param frozenValue the frozen value of a variable; undefined: there is none */
  constructor(known: KnownVariables, frozenValue: (name: string) => JsonValue | undefined) {
    this.#known = known
    this.#frozenValue = frozenValue
  }

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
    return Object.freeze(
      Object.fromEntries(Array.from(this.variables(), ({ name }) => [name, this.#frozenValue(name)])),
    )
  }

  /**
   * The payload of all variables as they are now; `confirm` or `abandon` it before the next.
   *
   * @param next its revision, without the hash
   */
  compose(next: Revision): PendingWrite {
    const texts = new Map<Variable, string | undefined>()
    for (const variable of this.variables()) texts.set(variable, variable.text)
    const bytes = this.#known.payload(encodeRevision(next))
    const revision = hashed(bytes, next)
    this.#inFlight = { bytes, revision, texts, raced: false, changed: this.#changed }
    this.#changed = new Set()
    return this.#inFlight
  }

  confirm({ texts }: PendingWrite): void {
    this.#inFlight = undefined
    for (const [variable, text] of texts) this.#confirmVariable(variable, text)
  }

  /** The backend may or may not hold the composed payload. */
  abandon(): void {
    const { texts, changed } = this.#inFlight ?? { texts: new Map<Variable, undefined>(), changed: [] }
    this.#inFlight = undefined
    for (const name of changed) this.#changed.add(name)
    for (const variable of texts.keys()) if (!variable.stale) this.#compare(variable)
  }

  /** Another writer wrote: the backend holds this text of a variable, until the write in flight lands over it. */
  confirmForeign(name: string, text: string | undefined): void {
    const variable = this.#known.of(name)
    this.#known.keep(variable)
    if (this.#inFlight !== undefined) {
      this.#inFlight.raced = true
      if (!this.#inFlight.texts.has(variable)) this.#inFlight.texts.set(variable, variable.confirmed)
    }
    this.#confirmVariable(variable, text)
  }

  /** The backend holds exactly these texts. */
  confirmAll(texts: ReadonlyMap<string, string>): void {
    this.refresh()
    const names = new Set([...this.#known.names(), ...texts.keys()])
    for (const name of names) this.confirmForeign(name, texts.get(name))
  }

  /** Another writer wrote the same value, perhaps as another text (`1.0`): the store takes that text. */
  adoptText(name: string, text: string | undefined): void {
    const variable = this.#known.find(name)
    if (variable === undefined) return
    this.refresh()
    variable.text = text
    this.#compare(variable)
  }

  /** The program has merged another writer's variable: numbers of it keep the digits of this text. */
  adoptDigits(name: string, text: string | undefined): void {
    const variable = this.#known.find(name)
    const value = this.#frozenValue(name)
    if (variable?.stale && value !== undefined) variable.text = printLike(value, variable.text, text)
  }

  /** The backend has old values of these: the store writes its own again, which is no change of this program. */
  toResend(names: Iterable<string>): void {
    const unsaved = this.variables()
    for (const name of names) {
      const variable = this.#known.of(name)
      variable.passedOn ||= !unsaved.has(variable)
    }
  }

  /** What a pool has of the variables of which the backend was known to hold something else; undefined: nothing. */
  differing(pool: DecodedPayload): Map<string, string | undefined> {
    return this.#known.differing(pool)
  }

  /** The text that the backend is known to hold of a variable. */
  confirmedText(name: string): string | undefined {
    return this.#known.find(name)?.confirmed
  }

  /** The variables that the store writes again though this program has not changed them, with what is held of them. */
  passedOn(): (readonly [name: string, confirmed: string | undefined])[] {
    const variables = Array.from(this.variables()).filter(({ passedOn }) => passedOn)
    return variables.map(({ name, confirmed }) => [name, confirmed] as const)
  }

  isPassedOn(name: string): boolean {
    return this.#known.find(name)?.passedOn === true
  }

  /** While a write is in flight: has this program changed the variable, for that write or the next? */
  isInFlight(name: string): boolean {
    return this.#inFlight !== undefined && (this.#inFlight.changed.has(name) || this.#changed.has(name))
  }

  /** The text of a variable as it is now. */
  text(name: string): string | undefined {
    this.refresh()
    return this.#known.find(name)?.text
  }

  /** The bytes of the payload of all variables as they are now, but for those that have another text (undefined: none). */
  sizeWith(texts: Iterable<{ readonly variable: Variable; readonly text: string | undefined }>): number {
    this.refresh()
    return this.#known.sizeWith(texts)
  }

  /** Encodes what has changed, so that `compose` has less to do. What changes meanwhile, `compose` encodes itself. */
  encode(): Steps {
    this.refresh()
    return this.#known.encode()
  }

  /** Forgets those variables that are nowhere: a place was made for them, and nobody has set them. */
  release(variables: readonly Variable[]): void {
    for (const variable of variables) if (variable.text === undefined && !variable.stale) this.#compare(variable)
  }

  /** The texts of all variables as they are now. */
  texts(): (readonly [name: string, text: string])[] {
    this.refresh()
    return this.#known.texts().filter((entry): entry is [string, string] => entry[1] !== undefined)
  }

  /** This program has changed a variable, or something in it. */
  touched(variable: Variable): void {
    variable.passedOn = false
    if (variable.stale) return
    this.#changed.add(variable.name)
    variable.stale = true
    this.#stale.push(variable)
  }

  /** An editor asked for this text of a variable: unlike another writer's, the backend does not hold it yet. */
  edited(variable: Variable, text: string | undefined): void {
    this.#changed.add(variable.name)
    variable.passedOn = false
    this.#become(variable, text)
  }

  /** The store took a variable from the backend, which holds this text of it. */
  taken(variable: Variable, text: string | undefined): void {
    variable.passedOn = true
    this.#become(variable, text)
  }

  #become(variable: Variable, text: string | undefined): void {
    variable.stale = false
    variable.text = text
    this.#compare(variable)
  }

  refresh(): void {
    if (this.#stale.length === 0) return
    for (const variable of this.#stale) {
      // Its text has been given meanwhile.
      if (!variable.stale) continue
      variable.stale = false
      // The frozen value shares what was not touched; stringifying proxies takes five times as long.
      const value = this.#frozenValue(variable.name)
      variable.text = value === undefined ? undefined : printLike(value, variable.text)
      this.#compare(variable)
    }
    this.#stale = []
  }

  #confirmVariable(variable: Variable, text: string | undefined): void {
    variable.confirmed = text
    if (!variable.stale) this.#compare(variable)
  }

  #compare(variable: Variable): void {
    // The write in flight may land at any time, even over a variable that is back at its confirmed value: that is unsaved.
    const isSaved = variable.text === variable.confirmed && !this.#inFlight?.texts.has(variable)
    if (!isSaved) return void this.#unconfirmed.add(variable)
    this.#unconfirmed.delete(variable)
    if (variable.text === undefined) this.#known.forget(variable)
  }
}
