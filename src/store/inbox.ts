import type { News } from '../contracts/backend.ts'

/** Keeps what a backend tells until the store can take it, and then hands it on in the same order. */
export class Inbox {
  readonly #take: (news: News) => void
  readonly #waiting: News[] = []
  #isOpen = false

  constructor(take: (news: News) => void) {
    this.#take = take
  }

  tell(news: News): void {
    this.#waiting.push(news)
    // Whoever takes news may close the inbox, and be told more meanwhile.
    if (this.#isOpen && this.#waiting.length === 1) this.#deliver()
  }

  /** What is told from now on waits. */
  close(): void {
    this.#isOpen = false
  }

  /** Hands on what has waited, and from now on everything at once. */
  open(): void {
    this.#isOpen = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#isOpen && this.#waiting.length > 0) this.#take(this.#waiting.shift() as News)
  }
}
