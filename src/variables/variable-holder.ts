import { pathStep } from '../format/json.ts'
import type { KnownVariables } from './known-variables.ts'
import type { Holder, StoreRules } from './tracked.ts'
import type { Variable } from './variable.ts'

/** What is around the value of a variable: it looks for the variable only when something in the value changes. */
export class VariableHolder implements Holder {
  readonly rules: StoreRules
  readonly #name: string
  readonly #known: KnownVariables
  readonly #onTouch: (variable: Variable) => void
  #variable: Variable | undefined

  constructor(name: string, rules: StoreRules, known: KnownVariables, onTouch: (variable: Variable) => void) {
    this.rules = rules
    this.#name = name
    this.#known = known
    this.#onTouch = onTouch
  }

  get depth(): number {
    return 0
  }

  touched(): void {
    // Not kept any more: it was removed, and its value is no part of the pool, or one of the same name took its place.
    if (this.#variable?.block === undefined) this.#variable = this.#known.find(this.#name)
    if (this.#variable !== undefined) this.#onTouch(this.#variable)
  }

  pathOf(): string {
    return `pt${pathStep(this.#name)}`
  }
}
