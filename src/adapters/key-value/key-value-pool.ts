import type { JsonValue } from '../../format/json.ts'
import { openStore, type PersistError, type Store, type StoreOptions } from '../../index.ts'
import { expiresAt, toValue, toVariable } from './entry.ts'
import { Expiry } from './expiry.ts'
import { keyOf, nameOf } from './key-name.ts'

/** Options of a store that is opened at the first use, or a store that is open already. */
export interface KeyValueOptions extends StoreOptions {
  /** A store of the program's own: it stays open, and has its own options. @default undefined */
  store?: Store | undefined
  /** Setting and removing wait until the broker holds it. @default true; false with `autosave` or `saveEvery` */
  wait?: boolean | undefined
}

/** A value to set; `expires` is in milliseconds since 1970. */
export interface KeyValue {
  readonly key: string
  readonly value: unknown
  readonly expires?: number | undefined
}

/** Keys and values in one pool: each key is one variable. */
export class KeyValuePool {
  readonly #given: Store | undefined
  readonly #options: StoreOptions
  readonly #wait: boolean
  readonly #savesItself: boolean
  readonly #expiry: Expiry
  readonly #atOpen: ((pt: Store) => void)[] = []
  /** What takes back what was set and is not saved yet, in the order in which it was set. */
  readonly #unsaved = new Set<() => void>()
  #opening: Promise<Store> | undefined

  /** @param expiryInside when a value expires that says so itself, as its library wrote it */
  constructor(options: KeyValueOptions, expiryInside: (variable: JsonValue) => number | undefined = () => undefined) {
    const { store, wait, ...storeOptions } = options
    this.#given = store
    this.#options = storeOptions
    this.#savesItself = Boolean(options.autosave || options.saveEvery)
    this.#wait = wait ?? !this.#savesItself
    this.#expiry = new Expiry(
      (variable) => expiresAt(variable) ?? expiryInside(variable),
      () => void this.#opening?.then((pt) => this.#sweep(pt)),
    )
  }

  /** The store, opened if it is not yet; after a failure it is tried again. */
  store(): Promise<Store> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Calls a function with the store when it is open, and each time that it is opened again. */
  whenOpen(use: (pt: Store) => void): void {
    this.#atOpen.push(use)
    void this.#opening?.then(use, () => {})
  }

  /** What was set; undefined: nothing, or it has expired. */
  async get(key: string): Promise<unknown> {
    const variable = (await this.store()).find(nameOf(key))
    return this.#isCurrent(variable) ? toValue(variable) : undefined
  }

  async has(key: string): Promise<boolean> {
    return this.#isCurrent((await this.store()).find(nameOf(key)))
  }

  /** The keys that begin with a prefix. */
  async keys(prefix = ''): Promise<string[]> {
    const pt: Store = await this.store()
    const current = Object.keys(pt).filter((name) => this.#isCurrent(pt.find(name)))
    return current.map(keyOf).filter((key) => key?.startsWith(prefix) === true) as string[]
  }

  /** Sets values, all in one message. What cannot be kept is not set, so that it does not stand in the way of others. */
  async set(entries: readonly KeyValue[]): Promise<void> {
    const pt = await this.store()
    const undo = new Set<() => void>()
    try {
      for (const entry of entries) undo.add(this.#put(pt, entry))
    } catch (error) {
      runBackwards(undo)
      throw error
    }
    for (const one of undo) this.#unsaved.add(one)
    await this.#save(pt, () => {
      for (const one of undo) this.#unsaved.delete(one)
    })
  }

  /** Removes a key; was it there? */
  async remove(key: string): Promise<boolean> {
    const pt = await this.store()
    const wasThere = this.#isCurrent(pt.find(nameOf(key)))
    pt.remove(nameOf(key))
    await this.#save(pt)
    return wasThere
  }

  /** Removes all keys that begin with a prefix, in one message. */
  async clear(prefix = ''): Promise<void> {
    const pt: Store = await this.store()
    for (const name of Object.keys(pt)) if (keyOf(name)?.startsWith(prefix)) pt.remove(name)
    await this.#save(pt)
  }

  /** Calls a function when a key has another value, whoever changed it; the result stops it. */
  async watch(listener: (event: 'update' | 'remove', key: string) => void): Promise<() => void> {
    const pt: Store = await this.store()
    return pt.$on('change', ({ name, value }) => {
      const key = keyOf(name)
      if (key !== undefined) listener(value === undefined ? 'remove' : 'update', key)
    })
  }

  /** Lets go of the store if it was opened here, after saving what is unsaved; the next use opens it again. */
  async close(): Promise<void> {
    this.#expiry.stop()
    if (this.#given !== undefined) return
    const opening = this.#opening
    this.#opening = undefined
    const pt = await opening?.catch(() => undefined)
    await pt?.$close()
  }

  async #open(): Promise<Store> {
    const pt: Store = await (this.#given?.exec((open) => open) ?? openStore(this.#options))
    for (const use of this.#atOpen) use(pt)
    this.#sweep(pt)
    return pt
  }

  /** Sets a value; the result puts the one before in its place, unless somebody else has changed it since. */
  #put(pt: Store, { key, value, expires }: KeyValue): () => void {
    const name = nameOf(key)
    const before: unknown = pt.find(name)
    const variable = toVariable(value, expires)
    pt[name] = variable
    // So that it is called when this one has expired.
    this.#expiry.isOver(variable as JsonValue)
    return () => {
      if (JSON.stringify(pt.find(name)) !== JSON.stringify(variable)) return
      if (before === undefined) pt.remove(name)
      else pt[name] = before
    }
  }

  async #save(pt: Store, saved = () => {}): Promise<void> {
    if (this.#savesItself && !this.#wait) return saved()
    const saving = pt.save().then(saved, (error: PersistError) => {
      // All that was to be saved together is refused, whichever of them was to blame.
      if (error.code === 'ERR_PERSIST_TOO_LARGE' || error.code === 'ERR_PERSIST_SCHEMA') runBackwards(this.#unsaved)
      saved()
      throw error
    })
    if (this.#wait) return saving
    // A failure is an 'error' event of the store.
    void saving.catch(() => {})
  }

  #isCurrent(variable: JsonValue | undefined): variable is JsonValue {
    return variable !== undefined && !this.#expiry.isOver(variable)
  }

  /** Removes what has expired. */
  #sweep(pt: Store): void {
    const { state } = pt.$status
    if (state !== 'ready' && state !== 'offline') return
    const names = Object.keys(pt).filter((name) => keyOf(name) !== undefined)
    const expired = names.filter((name) => this.#expiry.isOver(pt.find(name)))
    for (const name of expired) pt.remove(name)
    if (expired.length > 0 && !this.#savesItself) void pt.save().catch(() => {})
  }
}

/** Runs what takes changes back, the last one first, and forgets it. */
function runBackwards(undo: Set<() => void>): void {
  for (const one of [...undo].reverse()) one()
  undo.clear()
}
