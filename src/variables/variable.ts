import { type JsonValue, pathStep } from '../format/json.ts'
import { frozen, type Holder, type StoreRules } from './tracked.ts'

/** Who made a change: this program, or somebody else through the backend. */
export type Origin = 'local' | 'remote'

/** One variable of a pool: its value, and what is known about its being saved. */
export class Variable implements Holder {
  readonly name: string
  readonly rules: StoreRules
  readonly depth = 0
  /** A primitive, or the proxy of a tracked list or map; undefined: there is no such variable (any more). */
  value: JsonValue | undefined
  /** The JSON text of `value`, when it was last asked for; right unless `stale`. */
  text: string | undefined
  /** The JSON text that the backend is known to hold. */
  confirmed: string | undefined
  /** Touched since `text` was made. */
  stale = false
  /** The value is somebody else's, or was held once, and this program has not touched it since: no change of its own. */
  passedOn = false
  readonly #onTouch: (variable: Variable) => void

  constructor(name: string, rules: StoreRules, onTouch: (variable: Variable) => void) {
    this.name = name
    this.rules = rules
    this.#onTouch = onTouch
  }

  touched(): void {
    this.#onTouch(this)
  }

  pathOf(): string {
    return `pt${pathStep(this.name)}`
  }

  /** The value as a frozen copy. */
  freeze(): JsonValue | undefined {
    return this.value === undefined ? undefined : frozen(this.value)
  }

  /** Makes `text` right again. */
  refresh(): void {
    this.stale = false
    // Of the frozen copy, in which only the way to what was touched is new: over proxies it takes five times as long.
    this.text = this.value === undefined ? undefined : JSON.stringify(this.freeze())
  }
}
