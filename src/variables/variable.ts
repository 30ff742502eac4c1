import type { Block, Member } from './block.ts'

/** Who made a change: this program, or another writer or an editor through the backend. */
export type Origin = 'local' | 'remote'

/** One variable of a pool: its JSON text, and what the backend holds of it. */
export class Variable implements Member {
  readonly name: string
  /** Where it is in the payload; undefined: nowhere. */
  block: Block | undefined
  #text: string | undefined
  /** The JSON text that the backend is known to hold. */
  confirmed: string | undefined
  /** Touched since `text` was made. */
  stale = false
  /** The value is another writer's, or one that the backend held, and this program has not touched it since. */
  passedOn = false

  constructor(name: string, text?: string) {
    this.name = name
    this.#text = this.confirmed = text
  }

  /** The JSON text of the value, outdated while `stale`; undefined: the variable does not exist. */
  get text(): string | undefined {
    return this.#text
  }

  set text(text: string | undefined) {
    if (text !== this.#text && this.block !== undefined) this.block.bytes = undefined
    this.#text = text
  }
}
