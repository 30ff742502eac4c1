/**
 * A map that forgets what was set longest ago: it keeps at least half of its limit, and at most all of it.
 *
 * In two generations, not entry by entry: a Map from which the first entry is taken again and again has ever more holes
 * at its beginning to look through, and with 50,000 entries a save took ten times as long.
 */
export class Recent<Key, Value> {
  readonly #limit: number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  #size = 0

  /** @param limit the sum of all sizes that are kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  has(key: Key): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  get(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: Key, value: Value, size = 1): void {
    if (!this.#young.has(key)) this.#size += size
    this.#young.set(key, value)
    if (this.#size < this.#limit / 2) return
    this.#old = this.#young
    this.#young = new Map()
    this.#size = 0
  }
}
