import type { Revision } from '../format/revision.ts'

const NONE: ReadonlySet<string> = new Set()

/** What a writer's names begin with. */
function writerOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}

/**
 * Pools of other stores that name nothing which this guest knows. Each was written over something that its writer had not seen:
 * else that would be known here, too. A guest whose write landed over something writes once more when it has seen that, and so does an
 * owner that has something to mend: the second write proves that its writer has seen all that was there before.
 */
export class Strays {
  /** Under a write of this guest that is on its way, one directly after the other. */
  #passed: string[] = []
  /** Who wrote over what was held. Who builds on a stray, and on nothing else, may never have seen that. */
  #writers: string[] = []
  /** The variables that one which is held has otherwise: which of them its writer has changed is not known. */
  #open: ReadonlySet<string> = NONE

  passed(name: string, base: string | undefined): void {
    if (base === undefined || !this.#passed.includes(base)) this.#writers.push(writerOf(name))
    this.#passed.push(name)
  }

  /** One is held now, and has these variables otherwise than what was held before. */
  held(variables: Iterable<string>): void {
    this.#open = new Set(variables)
  }

  /** Something else is held. */
  clear(): void {
    this.#passed = []
    this.#writers = []
    this.#open = NONE
  }

  /** May its writer just not have known of what was held before? */
  isOpen(variable: string): boolean {
    return this.#open.has(variable)
  }

  /** Has the writer of one written once more, directly after the last one, and so seen all that was held before? */
  hasCaughtUp({ id, base }: Revision): boolean {
    return base === this.#passed.at(-1) && this.#writers.includes(writerOf(id))
  }
}
