import type { JsonValue } from '../format/json.ts'
import type { KeepAlive } from '../runtime/keep-alive.ts'
import type { Origin } from '../variables/variable.ts'
import type { StoreContext } from './context.ts'
import { Events, type StoreEvents } from './events.ts'

/**
 * Tells listeners of changes, once per microtask and variable.
 *
 * As long as nobody listens, a change costs a call and nothing more.
 */
export class ChangeEvents {
  readonly #context: StoreContext
  readonly #keepAlive: KeepAlive
  readonly #subscribers = new Events<{ update: undefined }>()
  /** Who changed which variables first since listeners were last told. */
  readonly #pending = new Map<string, Origin>()
  /** The frozen values that listeners were last told of. */
  #lastEmitted = new Map<string, JsonValue>()
  #isStarted = false
  #isWatched = false
  #isScheduled = false

  constructor(context: StoreContext, keepAlive: KeepAlive) {
    this.#context = context
    this.#keepAlive = keepAlive
  }

  /** The variables are here: what changes from now on is a change. */
  start(): void {
    this.#isStarted = true
    this.#watch()
  }

  stop(): void {
    this.flush()
    this.#isStarted = false
    this.#watch()
    this.#keepAlive.release(this)
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): () => void {
    const remove = this.#context.events.on(name, listener)
    return name === 'change' ? this.#listening(remove) : remove
  }

  /** Calls a function after every change, with nothing. */
  subscribe(tell: () => void): () => void {
    return this.#listening(this.#subscribers.on('update', tell))
  }

  /** A variable, or something in it, has changed. */
  touched(name: string, origin: Origin): void {
    if (!this.#isWatched || this.#pending.has(name)) return
    this.#pending.set(name, origin)
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.flush())
  }

  /** Tells now what has changed so far. */
  flush(): void {
    this.#isScheduled = false
    if (this.#pending.size === 0) return
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const [name, origin] of pending) {
      const value = this.#context.variables.frozen(name)
      const previous = this.#lastEmitted.get(name)
      if (value === undefined) this.#lastEmitted.delete(name)
      else this.#lastEmitted.set(name, value)
      if (value !== previous) this.#context.events.emit('change', { name, value, previous, origin })
    }
    this.#subscribers.emit('update', undefined)
  }

  /** Somebody listens, until `remove` is called: whoever listens for changes waits for them. */
  #listening(remove: () => void): () => void {
    this.#holdProcess()
    this.#watch()
    return () => {
      remove()
      this.#holdProcess()
      this.#watch()
    }
  }

  get #hasListeners(): boolean {
    return this.#subscribers.count('update') + this.#context.events.count('change') > 0
  }

  /** With the first listener, what it has missed is no change. */
  #watch(): void {
    const wasWatched = this.#isWatched
    this.#isWatched = this.#isStarted && this.#hasListeners
    if (this.#isWatched === wasWatched) return
    this.#pending.clear()
    this.#lastEmitted = new Map(this.#isWatched ? Object.entries(this.#context.variables.snapshot()) : [])
  }

  #holdProcess(): void {
    if (this.#isStarted && this.#hasListeners) this.#keepAlive.hold(this)
    else this.#keepAlive.release(this)
  }
}
