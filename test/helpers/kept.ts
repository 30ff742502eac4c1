/** What writers were told to be kept, and what of that is wrong in the end. */
export class Kept {
  /** How many changes there were. */
  attempts = 0
  /** The value that a writer was told to be kept, and all that it has tried since, by its own variable. */
  readonly #own = new Map<string, { value: unknown }[]>()
  /** Which value a writer had seen when it wrote this one, of variables with many writers. */
  readonly #seen = new Map<string, { name: string; before: unknown }>()
  readonly #done = new Set<string>()

  /** A writer changes a variable that is its own; undefined: it removes it. */
  attempt(name: string, value: unknown, done: Promise<unknown>): void {
    this.attempts += 1
    // Nothing is there before the first.
    const all = this.#own.get(name) ?? [{ value: undefined }]
    const one = { value }
    this.#own.set(name, [...all, one])
    done.then(
      () => this.#own.set(name, (this.#own.get(name) ?? []).slice((this.#own.get(name) ?? []).indexOf(one))),
      () => {},
    )
  }

  /** A writer changes a variable that others change, too; each value is written once. */
  changes(name: string, value: string, before: unknown): void {
    this.#seen.set(value, { name, before })
  }

  whenDone(value: string, done: Promise<unknown>): void {
    done.then(
      () => this.#done.add(value),
      () => {},
    )
  }

  /** What is wrong with a pool where everything is at rest. */
  faultsOf(pool: Readonly<Record<string, unknown>>): string[] {
    const faults: string[] = []
    for (const [name, all] of this.#own) {
      const values = all.map(({ value }) => value)
      if (!values.includes(pool[name])) faults.push(`${name} is ${pool[name]}, and should be one of ${values}`)
    }
    // A value is gone where one that was written in its place is kept.
    for (const value of this.#done) {
      const { name } = this.#seen.get(value) ?? { name: '' }
      for (let one = this.#seen.get(value)?.before; one !== undefined; one = this.#seen.get(`${one}`)?.before)
        if (pool[name] === one) faults.push(`${name} is ${one} again, though ${value} was written in its place`)
    }
    return faults
  }
}
