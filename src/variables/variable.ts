import { type JsonValue, pathStep } from '../format/json.ts'
import type { Block, Member } from './block.ts'
import { frozen, type Holder, type StoreRules } from './tracked.ts'

/** Who made a change: this program, or another writer or an editor through the backend. */
export type Origin = 'local' | 'remote'

/** One variable of a pool: its value, and what the backend holds of it. */
export class Variable implements Holder, Member {
  readonly name: string
  readonly rules: StoreRules
  readonly depth = 0
  /** A primitive, or the proxy of a tracked list or map; undefined: the variable does not exist. */
  value: JsonValue | undefined
  /** Where it is in the payload; undefined: nowhere. */
  block: Block | undefined
  #text: string | undefined
  /** The JSON text that the backend is known to hold. */
  confirmed: string | undefined
  /** Touched since `text` was made. */
  stale = false
  /** The value is another writer's, or one that the backend held, and this program has not touched it since. */
  passedOn = false
  readonly #onTouch: (variable: Variable) => void

  constructor(name: string, rules: StoreRules, onTouch: (variable: Variable) => void) {
    this.name = name
    this.rules = rules
    this.#onTouch = onTouch
  }

  /** The JSON text of `value`, outdated while `stale`. */
  get text(): string | undefined {
    return this.#text
  }

  set text(text: string | undefined) {
    if (text !== this.#text && this.block !== undefined) this.block.bytes = undefined
    this.#text = text
  }

  touched(): void {
    this.#onTouch(this)
  }

  pathOf(): string {
    return `pt${pathStep(this.name)}`
  }

  freeze(): JsonValue | undefined {
    return this.value === undefined ? undefined : frozen(this.value)
  }

  refresh(): void {
    this.stale = false
    // The frozen copy shares what was not touched; stringifying proxies takes five times as long.
    this.text = this.value === undefined ? undefined : JSON.stringify(this.freeze())
  }
}
