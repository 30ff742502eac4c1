import type { Io } from './io.ts'

/** No bar is shown before that much time, in milliseconds. */
const FIRST_MS = 300
/** Between two updates, in milliseconds. */
const STEP_MS = 50
const CELLS = 24

/** A bar on the standard error output, on a terminal only; it is gone when the work is done. */
export class Progress {
  readonly #io: Io
  readonly #what: string
  readonly #total: number | undefined
  readonly #start = performance.now()
  #shownAt = Number.NEGATIVE_INFINITY
  #isShown = false

  /** @param total how many there will be; undefined: unknown */
  constructor(io: Io, what: string, total?: number) {
    this.#io = io
    this.#what = what
    this.#total = total
  }

  /** So many are done. */
  at(done: number): void {
    const now = performance.now()
    if (!this.#io.stderr.isTTY || now - this.#start < FIRST_MS || now - this.#shownAt < STEP_MS) return
    this.#shownAt = now
    this.#isShown = true
    this.#io.stderr.write(`\r\u001b[K${this.#line(done)}`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isShown) this.#io.stderr.write('\r\u001b[K')
    this.#isShown = false
  }

  #line(done: number): string {
    if (this.#total === undefined) return `${this.#what} ${done}`
    const full = Math.round((CELLS * done) / Math.max(1, this.#total))
    return `${this.#what} [${'#'.repeat(full)}${'-'.repeat(CELLS - full)}] ${done}/${this.#total}`
  }
}
