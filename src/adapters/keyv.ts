import { isMap, type JsonValue } from '../format/json.ts'
import type { PersistError, Store } from '../index.ts'
import { type KeyValueOptions, KeyValuePool } from './key-value/key-value-pool.ts'

export type { KeyValueOptions } from './key-value/key-value-pool.ts'

type ErrorListener = (error: PersistError) => void

/**
 * A storage adapter for Keyv: each key is one variable of a pool.
 *
 * set() resolves when the broker holds the value. With `wait: false` or `autosave` it resolves at once, unconfirmed.
 * @example
 * const keyv = new Keyv({ store: new KeyvPersistMqtt({ url: 'mqtt://localhost', name: 'cache' }) })
 * await keyv.set('answer', 42, 60_000)
 */
export class KeyvPersistMqtt {
  /** Keyv makes an iterator only for adapters whose dialect it knows. */
  readonly opts = { dialect: 'redis', url: '' }
  /** Set by Keyv; clear() removes its keys. */
  namespace: string | undefined
  readonly #pool: KeyValuePool
  readonly #listeners: ErrorListener[] = []
  /** Errors with which a call rejects: Keyv emits those itself. */
  readonly #rejected = new WeakSet<object>()

  /** @param options of a store, which is opened at the first use; or `{ store }`, an open one */
  constructor(options: KeyValueOptions = {}) {
    this.#pool = new KeyValuePool(options, expiryInside)
    this.#pool.whenOpen((pt) => this.#listen(pt))
  }

  /**
   * The value of a key; undefined: there is none, or it has expired.
   *
   * @throws {PersistError} as openStore(), if the store is not open yet
   */
  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      return (await this.#pool.get(key)) as Value | undefined
    } catch (error) {
      // Keyv does not emit this error, and answers that there is no such key.
      for (const listener of this.#listeners) listener(error as PersistError)
      throw error
    }
  }

  /**
   * Sets the value of a key, for `ttl` milliseconds or for good.
   *
   * @throws {PersistError} as openStore(), and as save()
   */
  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    const hasItsOwn = typeof value === 'string' && isExpiring(value)
    const expires = ttl === undefined || ttl === 0 || hasItsOwn ? undefined : Date.now() + ttl
    await this.#told(this.#pool.set([{ key, value, expires }]))
  }

  /** Removes a key; was it there? */
  delete(key: string): Promise<boolean> {
    return this.#told(this.#pool.remove(key))
  }

  /** Removes all keys of the namespace; without one, all keys. */
  clear(): Promise<void> {
    return this.#told(this.#pool.clear(prefixOf(this.namespace)))
  }

  has(key: string): Promise<boolean> {
    return this.#pool.has(key)
  }

  async *iterator<Value>(namespace?: string): AsyncGenerator<[key: string, value: Value | undefined], void> {
    for (const key of await this.#pool.keys(prefixOf(namespace))) {
      const value = await this.#pool.get(key)
      if (value !== undefined) yield [key, value as Value]
    }
  }

  /** Saves unsaved values, and closes the store unless the program had opened it. */
  disconnect(): Promise<void> {
    return this.#told(this.#pool.close())
  }

  /** Keyv listens to 'error', for failures without a call that rejects. */
  on(event: string, listener: (...args: never[]) => void): this {
    if (event === 'error') this.#listeners.push(listener as ErrorListener)
    return this
  }

  #listen(pt: Store): void {
    pt.$on('error', (error) => {
      // Later, since the call that rejects with this error must do so first.
      setTimeout(() => {
        if (!this.#rejected.has(error)) for (const listener of this.#listeners) listener(error)
      })
    })
  }

  async #told<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work
    } catch (error) {
      this.#rejected.add(error as PersistError)
      throw error
    }
  }
}

function prefixOf(namespace: string | undefined): string {
  return namespace === undefined || namespace === '' ? '' : `${namespace}:`
}

/** Keyv writes `{ value, expires }`. */
function expiryInside(variable: JsonValue): number | undefined {
  if (!isMap(variable)) return undefined
  const { value, expires, ...others } = variable
  const isKeyvs = value !== undefined && Object.keys(others).length === 0
  return isKeyvs && typeof expires === 'number' ? expires : undefined
}

function isExpiring(text: string): boolean {
  try {
    return expiryInside(JSON.parse(text)) !== undefined
  } catch {
    return false
  }
}
