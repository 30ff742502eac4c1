import type { News } from '../contracts/backend.ts'

/** Keeps a backend's news until the store can take them, in their order. */
export class Inbox {
  readonly #take: (news: News) => void
  readonly #waiting: News[] = []
  #isOpen = false
  #isDelivering = false

  constructor(take: (news: News) => void) {
    this.#take = take
  }

  tell(news: News): void {
    this.#waiting.push(news)
    this.#deliver()
  }

  close(): void {
    this.#isOpen = false
  }

  open(): void {
    this.#isOpen = true
    this.#deliver()
  }

  #deliver(): void {
    // While the store takes news, the backend may have more, and the store may close the inbox, and open it.
    if (this.#isDelivering) return
    this.#isDelivering = true
    try {
      while (this.#isOpen && this.#waiting.length > 0) this.#take(this.#waiting.shift() as News)
    } finally {
      this.#isDelivering = false
    }
  }
}
