import type { News } from '../contracts/backend.ts'

/** Keeps a backend's news until the store can take them, in their order. */
export class Inbox {
  readonly #take: (news: News) => void
  readonly #waiting: News[] = []
  #isOpen = false

  constructor(take: (news: News) => void) {
    this.#take = take
  }

  tell(news: News): void {
    this.#waiting.push(news)
    // While the store takes news, the backend may have more, and the store may close the inbox.
    if (this.#isOpen && this.#waiting.length === 1) this.#deliver()
  }

  close(): void {
    this.#isOpen = false
  }

  open(): void {
    this.#isOpen = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#isOpen && this.#waiting.length > 0) this.#take(this.#waiting.shift() as News)
  }
}
