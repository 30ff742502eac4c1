import type { JsonValue } from '../../format/json.ts'
import { openStore, type PersistError, type Store, type StoreOptions } from '../../index.ts'
import { expiresAt, toValue, toVariable } from './entry.ts'
import { Expiry } from './expiry.ts'
import { keyOf, nameOf } from './key-name.ts'

/** Options of a store, which is opened at the first use; or `store`, an open one. */
export interface KeyValueOptions extends StoreOptions {
  /** An open store of the program, which stays open. @default one is opened with the other options */
  store?: Store | undefined
  /** Do calls that change something wait until the broker holds it? @default true; false with `autosave` or `saveEvery` */
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
  /** Functions that undo unsaved changes, in the order of those. */
  readonly #unsaved = new Set<() => void>()
  #opening: Promise<Store> | undefined

  /** @param expiryInside the expiry that a library wrote into its values, in milliseconds since 1970 */
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

  /** The store, which is opened if it is not open yet; after a failure the next call tries again. */
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

  /** The value of a key; undefined: there is none, or it has expired. */
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

  /** Sets values, all in one message. If one cannot be stored, none is set: it would make later saves fail. */
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

  /** Calls a function when the value of a key changes, here or elsewhere; the result ends that. */
  async watch(listener: (event: 'update' | 'remove', key: string) => void): Promise<() => void> {
    const pt: Store = await this.store()
    return pt.$on('change', ({ name, value }) => {
      const key = keyOf(name)
      if (key !== undefined) listener(value === undefined ? 'remove' : 'update', key)
    })
  }

  /** Saves and closes the store if it was opened here; the next use opens it again. */
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

  /** Sets a value; the result undoes that, unless the value has changed since. */
  #put(pt: Store, { key, value, expires }: KeyValue): () => void {
    const name = nameOf(key)
    const before: unknown = pt.find(name)
    const variable = toVariable(value, expires)
    pt[name] = variable
    // Asked, so that it calls when this one expires.
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
      // The store refused all unsaved changes together, so all are undone.
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

/** Undoes changes, the latest first, and forgets them. */
function runBackwards(undo: Set<() => void>): void {
  for (const one of [...undo].reverse()) one()
  undo.clear()
}
