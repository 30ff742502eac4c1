import type { BackendListener, Held } from '../../src/contracts/backend.ts'
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

  changed(bytes: Uint8Array | null): void {
    this.#hear({ changed: textOf(bytes) })
  }

  reread(bytes: Uint8Array | null): void {
    this.#hear({ reread: textOf(bytes) })
  }

  async requested({ bytes }: { bytes: Uint8Array }): Promise<Uint8Array> {
    this.#hear({ requested: textOf(bytes) })
    return new Uint8Array()
  }

  offline(offline: PersistError): void {
    this.#hear({ offline })
  }

  online(online: Held): void {
    this.#hear({ online })
  }

  trouble(trouble: PersistError): void {
    this.#hear({ trouble })
  }

  ended(ended: PersistError): void {
    this.#hear({ ended })
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
