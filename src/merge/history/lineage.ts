import type { Stamp } from '../../contracts/backend.ts'
import { randomHex } from '../../runtime/random-hex.ts'
import { Recent } from './recent.ts'

/** So many writes of others are remembered; whoever still builds on an older one counts as one that says nothing. */
const KEPT = 2000

/**
 * Which write was built on which: what a writer knew of ours when it wrote.
 *
 * A pool is always written as a whole, so a writer that has not seen our last write carries our older values along.
 */
export class Lineage {
  /** The revision of our last write. */
  revision = 0
  readonly #writer = randomHex(8)
  /** The last write that we know, as its mark, where its writer said one. */
  #base: string | undefined
  /** Somebody else has written since our last write was sent. */
  #isOvertaken = false
  /** The marks of others, and the last revision of ours that each of them knew. */
  readonly #known = new Recent<string, number>(KEPT)

  /** The stamp of our next write. */
  next(): Stamp {
    this.revision += 1
    this.#isOvertaken = false
    const stamp = { writer: this.#writer, revision: this.revision }
    return this.#base === undefined ? stamp : { ...stamp, base: this.#base }
  }

  /** The backend holds our write. */
  written(stamp: Stamp): void {
    // That others know what it was based on does not tell them that we know theirs by now.
    if (!this.#isOvertaken) this.#base = markOf(stamp)
  }

  /** The backend holds this at the beginning: whoever builds on it knows nothing of ours. */
  found(stamp: Stamp | undefined): void {
    this.#take(stamp, 0)
  }

  /** Somebody else wrote: the last revision of ours that they knew; undefined where nobody can tell. */
  received(stamp: Stamp | undefined): number | undefined {
    const base = stamp?.base
    const own = `${this.#writer}.`
    const known = base?.startsWith(own) ? Number(base.slice(own.length)) : this.#known.get(base ?? '')
    this.#take(stamp, known)
    return known
  }

  #take(stamp: Stamp | undefined, known: number | undefined): void {
    this.#isOvertaken = true
    this.#base = stamp && markOf(stamp)
    if (this.#base === undefined || known === undefined) return
    this.#known.set(this.#base, known)
  }
}

function markOf({ writer, revision }: Stamp): string {
  return `${writer}.${revision}`
}
