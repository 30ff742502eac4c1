import type { PersistError } from '../runtime/errors.ts'
import { unref } from '../runtime/keep-alive.ts'
import { advise } from '../runtime/warning.ts'
import type { StoreContext } from './context.ts'

type Timer = ReturnType<typeof setTimeout>

/** setInterval takes 32 bit; a longer time would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

/** So many seconds apart saves are at least, as on a Tasmota device. */
const LEAST_SECONDS = 5

/** Saves by itself: after changes (option autosave), and every so many seconds (saveEvery). */
export class Autosave {
  readonly #context: StoreContext
  readonly #save: () => Promise<void>
  #isStarted = false
  #isScheduled = false
  #everySeconds: number
  #everyTimer: Timer | undefined
  #timer: Timer | undefined
  #firstUnsavedAt = 0

  constructor(context: StoreContext, save: () => Promise<void>) {
    this.#context = context
    this.#save = save
    this.#everySeconds = context.options.saveEvery
  }

  start(): void {
    this.#isStarted = true
    this.saveEvery(this.#everySeconds)
  }

  stop(): void {
    this.#isStarted = false
    clearInterval(this.#everyTimer)
    clearTimeout(this.#timer)
  }

  /** Saves every so many seconds if something has changed; less than 5 turns it off, as on a Tasmota device. */
  saveEvery(seconds: number): void {
    this.#everySeconds = seconds
    if (seconds > 0 && seconds < LEAST_SECONDS) {
      const { storeName } = this.#context
      advise(
        'WARN_PERSIST_SAVE_EVERY',
        `Store ${storeName}: saveEvery ${seconds} saves never, since it takes ${LEAST_SECONDS} seconds or more. ` +
          'Pass 0 for never; the option autosave saves sooner.',
      )
    }
    clearInterval(this.#everyTimer)
    if (!this.#isStarted || !(seconds >= LEAST_SECONDS)) return
    this.#everyTimer = setInterval(() => void this.#save(), Math.min(seconds * 1000, LONGEST_MS))
    // A program that has nothing else to do must not go on for this timer: it saves at its exit.
    unref(this.#everyTimer)
  }

  /** A variable has changed. */
  touched(): void {
    if (this.#isScheduled || !this.#isStarted || !this.#context.options.autosave) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#plan()
    })
  }

  #plan(): void {
    const { options, unsaved } = this.#context
    if (options.autosave === false || !this.#isStarted || unsaved.isEmpty) return
    const { delayMs, maxDelayMs } = options.autosave
    const now = performance.now()
    if (this.#timer === undefined) this.#firstUnsavedAt = now
    clearTimeout(this.#timer)
    const waitMs = Math.max(0, Math.min(delayMs, this.#firstUnsavedAt + maxDelayMs - now))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#save().catch((error: PersistError) => this.#planAgain(error))
    }, waitMs)
  }

  /** A broker that did not confirm a save over a good link may have dropped it: saves again, even if nothing changes. */
  #planAgain(error: PersistError): void {
    // Without a link, the store saves when the link is back. Any other error would only repeat itself.
    if (error.code !== 'ERR_PERSIST_TIMEOUT' || this.#context.state.name !== 'ready') return
    this.#plan()
    // A program that has nothing else to do must not go on for ever.
    unref(this.#timer)
  }
}
