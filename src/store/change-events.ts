import type { PersistError } from '../runtime/errors.ts'
import type { KeepAlive } from '../runtime/keep-alive.ts'
import { unref } from '../runtime/keep-alive.ts'
import type { Variables } from '../variables/variables.ts'
import { Events, type StoreEvents } from './events.ts'
import type { ResolvedOptions } from './options.ts'

type Timer = ReturnType<typeof setTimeout>

/** What saves. */
interface Saver {
  save(): Promise<void>
  /** Is there a link to the backend? */
  isLinked(): boolean
}

/** setInterval takes 32 bit; a longer time would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Tells listeners of changes, once per microtask and variable, and saves by itself where that was asked for.
 *
 * As long as nobody listens, a change costs a flag and nothing here runs.
 */
export class Watching {
  readonly #variables: Variables
  readonly #events: Events<StoreEvents>
  readonly #autosave: ResolvedOptions['autosave']
  readonly #saver: Saver
  readonly #keepAlive: KeepAlive
  readonly #subscribers = new Events<{ update: undefined }>()
  #started = false
  #scheduled = false
  #saveEverySeconds: number
  #saveEvery: Timer | undefined
  #autosaveTimer: Timer | undefined
  #firstUnsaved = 0

  constructor(
    variables: Variables,
    events: Events<StoreEvents>,
    { autosave, saveEvery }: Pick<ResolvedOptions, 'autosave' | 'saveEvery'>,
    saver: Saver,
    keepAlive: KeepAlive,
  ) {
    this.#variables = variables
    this.#events = events
    this.#autosave = autosave
    this.#saveEverySeconds = saveEvery
    this.#saver = saver
    this.#keepAlive = keepAlive
  }

  /** The variables are here: what changes from now on is a change. */
  start(): void {
    this.#started = true
    this.#forgetNotes()
    // Without listeners there is nobody to show a frozen copy of the whole pool to; the first one gets it then.
    if (this.#listeners > 0 || this.#autosave) this.#variables.showAll()
    this.saveEvery(this.#saveEverySeconds)
  }

  stop(): void {
    this.flush()
    this.#started = false
    this.saveEvery(0)
    clearTimeout(this.#autosaveTimer)
    this.#holdProcess()
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): () => void {
    if (name !== 'change') return this.#events.on(name, listener)
    this.#aboutToListen()
    const remove = this.#events.on(name, listener)
    this.#holdProcess()
    return () => {
      remove()
      this.#holdProcess()
    }
  }

  /** Calls a function after every change, with nothing. */
  subscribe(tell: () => void): () => void {
    this.#aboutToListen()
    const remove = this.#subscribers.on('update', tell)
    this.#holdProcess()
    return () => {
      remove()
      this.#holdProcess()
    }
  }

  /** A variable changed. The variables call it once until their notes are taken. */
  touched(): void {
    if (this.#scheduled || !this.#started || !(this.#listeners > 0 || this.#autosave)) return
    this.#scheduled = true
    queueMicrotask(() => this.flush())
  }

  /** Tells now what has changed so far. */
  flush(): void {
    this.#scheduled = false
    if (this.#listeners === 0 && !this.#autosave) return
    const notes = this.#variables.takeNotes()
    if (!this.#started || notes.length === 0) return
    for (const variable of notes) {
      const origin = variable.noted ?? 'local'
      variable.noted = undefined
      const value = variable.freeze()
      const previous = variable.shown
      variable.shown = value
      if (value !== previous) this.#events.emit('change', { name: variable.name, value, previous, origin })
    }
    this.#subscribers.emit('update', undefined)
    this.#planAutosave()
  }

  saveEvery(seconds: number): void {
    this.#saveEverySeconds = seconds
    clearInterval(this.#saveEvery)
    this.#saveEvery = undefined
    // Less than 5 seconds turns it off, as on the device.
    if (!this.#started || !(seconds >= 5)) return
    this.#saveEvery = setInterval(() => void this.#saver.save(), Math.min(seconds * 1000, LONGEST_MS))
    // What is left unsaved when a program has nothing else to do is saved on exit; waiting for it would be in the way.
    unref(this.#saveEvery)
  }

  get #listeners(): number {
    return this.#subscribers.count('update') + this.#events.count('change')
  }

  /** With the first listener, what it has missed is no change. */
  #aboutToListen(): void {
    if (this.#listeners > 0 || !this.#started || this.#autosave) return
    this.#forgetNotes()
    this.#variables.showAll()
  }

  #forgetNotes(): void {
    for (const variable of this.#variables.takeNotes()) variable.noted = undefined
  }

  /** Whoever listens for changes waits for them. */
  #holdProcess(): void {
    if (this.#started && this.#listeners > 0) this.#keepAlive.hold(this)
    else this.#keepAlive.release(this)
  }

  #planAutosave(): void {
    if (this.#autosave === false || !this.#variables.unsaved) return
    const { delayMs, maxDelayMs } = this.#autosave
    const now = performance.now()
    if (this.#autosaveTimer === undefined) this.#firstUnsaved = now
    clearTimeout(this.#autosaveTimer)
    const waitMs = Math.max(0, Math.min(delayMs, this.#firstUnsaved + maxDelayMs - now))
    this.#autosaveTimer = setTimeout(() => {
      this.#autosaveTimer = undefined
      this.#saver.save().catch((error: PersistError) => this.#planAgain(error))
    }, waitMs)
  }

  /** What a broker with a good link does not confirm may have been dropped: it is sent again, also if nothing changes any more. */
  #planAgain(error: PersistError): void {
    // Without a link it is sent when there is one; and any other error comes again.
    if (error.code !== 'ERR_PERSIST_TIMEOUT' || !this.#started || !this.#saver.isLinked()) return
    this.#planAutosave()
    // A program that has nothing else to do is not to go on for ever because of it.
    unref(this.#autosaveTimer)
  }
}
