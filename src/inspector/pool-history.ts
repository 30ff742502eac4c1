/** A former state of a pool: since when, in milliseconds since 1970, and its bytes; null: there was no pool. */
export interface State {
  readonly since: number
  readonly bytes: Uint8Array | null
}

/** How much is kept. */
const STATES_A_POOL = 200
const BYTES_A_POOL = 4 * 2 ** 20
const BYTES_IN_ALL = 64 * 2 ** 20
/** Memory of a state beside its bytes. */
const STATE_BYTES = 100

interface PastOfPool {
  readonly states: State[]
  bytes: number
}

/** The former states of pools; the oldest are dropped first. */
export class PoolHistory {
  readonly #pasts = new Map<string, PastOfPool>()
  #bytes = 0

  /** Adds a state that has just been replaced. */
  add(name: string, state: State): void {
    const past = this.#pasts.get(name) ?? { states: [], bytes: 0 }
    // The pool that changed last is last in the map.
    this.#pasts.delete(name)
    this.#pasts.set(name, past)
    past.states.push(state)
    this.#count(past, sizeOf(state))
    while (past.states.length > STATES_A_POOL || (past.bytes > BYTES_A_POOL && past.states.length > 1)) this.#drop(past)
    if (this.#bytes > BYTES_IN_ALL) this.#makeRoom()
  }

  /** The former states, the oldest first. */
  of(name: string): readonly State[] {
    return this.#pasts.get(name)?.states ?? []
  }

  /** Drops half of the states of each pool, beginning with those that changed longest ago, until a quarter is free. */
  #makeRoom(): void {
    for (const past of this.#pasts.values()) {
      for (let left = Math.ceil(past.states.length / 2); left > 0; left--) this.#drop(past)
      if (this.#bytes <= 0.75 * BYTES_IN_ALL) break
    }
  }

  #drop(past: PastOfPool): void {
    const oldest = past.states.shift()
    if (oldest !== undefined) this.#count(past, -sizeOf(oldest))
  }

  #count(past: PastOfPool, bytes: number): void {
    past.bytes += bytes
    this.#bytes += bytes
  }
}

function sizeOf({ bytes }: State): number {
  return (bytes?.length ?? 0) + STATE_BYTES
}
