import type { JsonValue } from '../format/json.ts'
import type { KeepAlive } from '../runtime/keep-alive.ts'
import type { Origin } from '../variables/variable.ts'
import type { StoreContext } from './context.ts'
import { Events, type StoreEvents } from './events.ts'

/** Emits 'change' events, once per microtask and variable. Without a listener, a change costs no more than a call. */
export class ChangeEvents {
  readonly #context: StoreContext
  readonly #keepAlive: KeepAlive
  readonly #subscribers = new Events<{ update: undefined }>()
  /** The variables that changed since the last events, with the origin of the first change. */
  readonly #pending = new Map<string, Origin>()
  /** The frozen values of the last events. */
  #lastEmitted = new Map<string, JsonValue>()
  #isStarted = false
  #isWatched = false
  #isScheduled = false

  constructor(context: StoreContext, keepAlive: KeepAlive) {
    this.#context = context
    this.#keepAlive = keepAlive
  }

  start(): void {
    this.#isStarted = true
    this.#watch()
  }

  stop(): void {
    this.flush()
    this.#isStarted = false
    this.#watch()
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): () => void {
    const remove = this.#context.events.on(name, listener)
    return name === 'change' ? this.#listening(remove) : remove
  }

  subscribe(listener: () => void): () => void {
    return this.#listening(this.#subscribers.on('update', listener))
  }

  /** A variable, or something in it, has changed. */
  touched(name: string, origin: Origin): void {
    if (!this.#isWatched || this.#pending.has(name)) return
    this.#pending.set(name, origin)
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => this.flush())
  }

  /** Emits now what has changed so far. */
  flush(): void {
    this.#isScheduled = false
    if (this.#pending.size === 0) return
    for (const [name, origin] of [...this.#pending]) {
      // One by one: what a listener changes of those that are still to come is part of their change.
      this.#pending.delete(name)
      const value = this.#context.variables.frozen(name)
      const previous = this.#lastEmitted.get(name)
      if (value === undefined) this.#lastEmitted.delete(name)
      else this.#lastEmitted.set(name, value)
      if (value !== previous) this.#context.events.emit('change', { name, value, previous, origin })
    }
    this.#subscribers.emit('update', undefined)
  }

  #listening(remove: () => void): () => void {
    this.#watch()
    return () => {
      remove()
      this.#watch()
    }
  }

  /** Begins with the first listener: what changed before is no event. A program that listens waits for changes. */
  #watch(): void {
    const wasWatched = this.#isWatched
    const listeners = this.#subscribers.count('update') + this.#context.events.count('change')
    this.#isWatched = this.#isStarted && listeners > 0
    if (this.#isWatched === wasWatched) return
    if (this.#isWatched) this.#keepAlive.hold(this)
    else this.#keepAlive.release(this)
    this.#pending.clear()
    this.#lastEmitted = new Map(this.#isWatched ? Object.entries(this.#context.variables.snapshot()) : [])
  }
}
