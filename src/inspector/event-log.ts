import { randomHex } from '../runtime/random-hex.ts'
import type { LiveEvent } from './protocol.ts'

/** How much is kept for pages that connect again, in characters. */
const KEPT_CHARACTERS = 16 * 2 ** 20
/** Memory of an event beside its text, counted in characters. */
const EVENT_CHARACTERS = 100

/** An event's number, and its JSON text. */
export type NumberedEvent = readonly [number: number, text: string]

/** The latest events, so that a page that connects again misses none. */
export class EventLog {
  /** The number of the last event; the first one is 1. */
  last = 0
  /** Part of each id: the numbers of another run of the server are not those of this one. */
  readonly #run = randomHex(4)
  #texts: string[] = []
  #characters = 0
  readonly #listeners = new Set<() => void>()

  add(event: LiveEvent): void {
    const text = JSON.stringify(event)
    this.last++
    this.#texts.push(text)
    this.#characters += text.length + EVENT_CHARACTERS
    // Half of it, so that this happens rarely.
    if (this.#characters > KEPT_CHARACTERS) this.#forget(Math.ceil(this.#texts.length / 2))
    for (const tell of this.#listeners) tell()
  }

  #forget(count: number): void {
    this.#texts = this.#texts.slice(count)
    this.#characters = this.#texts.reduce((sum, text) => sum + text.length + EVENT_CHARACTERS, 0)
  }

  /** An event's id, for a page. */
  idOf(number: number): string {
    return `${this.#run}-${number}`
  }

  /** The number in an id; undefined: it is none of this run. */
  numberIn(id: string | null): number | undefined {
    const [, run, digits] = /^(\w+)-(\d{1,15})$/.exec(id ?? '') ?? []
    const number = Number(digits)
    return run === this.#run && number <= this.last ? number : undefined
  }

  /** The events after a number: at least one, then up to so many characters; undefined: some are no longer kept. */
  after(number: number, most: number): NumberedEvent[] | undefined {
    const first = this.last - this.#texts.length
    if (number < first) return undefined
    const events: NumberedEvent[] = []
    let characters = 0
    for (let index = number - first; index < this.#texts.length && characters < most; index++) {
      const text = this.#texts[index] as string
      events.push([first + index + 1, text])
      characters += text.length
    }
    return events
  }

  /** Calls a function at each new event; the result ends that. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
