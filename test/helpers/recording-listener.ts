import type { BackendListener, Held, News } from '../../src/contracts/backend.ts'
import type { PersistError } from '../../src/runtime/errors.ts'
import { textOf } from './bytes.ts'
import { waitFor } from './wait.ts'

/** One thing that a backend told its listener; bytes as text. */
export type Told =
  | { changed: string | null }
  | { reread: string | null }
  | { requested: string | null }
  | { offline: PersistError }
  | { online: Held }
  | { trouble: PersistError }
  | { ended: PersistError }

type ToldName = Told extends infer Each ? (Each extends Told ? keyof Each : never) : never

/** A listener that keeps what a backend tells it, in its order. */
export class RecordingListener implements BackendListener {
  readonly told: Told[] = []
  readonly #answer: (entry: Told) => void

  /** @param answer called with each thing as it is told */
  constructor(answer: (entry: Told) => void = () => {}) {
    this.#answer = answer
  }

  tell(news: News): void {
    const told = toldOf(news)
    if (told !== undefined) this.#hear(told)
  }

  async requested({ bytes }: { bytes: Uint8Array }): Promise<Uint8Array> {
    this.#hear({ requested: textOf(bytes) })
    return new Uint8Array()
  }

  /** Waits until it was told something of that name, and returns the first one. */
  wait<Name extends ToldName>(name: Name): Promise<Extract<Told, Record<Name, unknown>>> {
    const first = () => this.told.find((entry) => name in entry)
    return waitFor(first, { what: `'${name}'`, limitMs: 8000 }) as Promise<never>
  }

  #hear(entry: Told): void {
    this.told.push(entry)
    this.#answer(entry)
  }
}

function toldOf(news: News): Told | undefined {
  switch (news.kind) {
    case 'held':
      return news.how === 'written' ? { changed: textOf(news.bytes) } : { reread: textOf(news.bytes) }
    case 'offline':
      return { offline: news.error }
    case 'online':
      return { online: news.held }
    case 'trouble':
      return { trouble: news.error }
    case 'ended':
      return { ended: news.error }
    // Of one's own write, whose outcome tells more.
    case 'landed':
      return undefined
  }
}
