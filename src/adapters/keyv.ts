import { isMap, type JsonValue } from '../format/json.ts'
import type { PersistError, Store } from '../index.ts'
import { type KeyValueOptions, KeyValuePool } from './key-value/key-value-pool.ts'

export type { KeyValueOptions } from './key-value/key-value-pool.ts'

type ErrorListener = (error: PersistError) => void

/**
 * A storage adapter for Keyv: each key is one variable of a pool.
 *
 * A value is set when the broker holds it. `wait: false` or `autosave` make that faster, and surer of nothing.
 * @example
 * const keyv = new Keyv({ store: new KeyvPersistMqtt({ url: 'mqtt://localhost', name: 'cache' }) })
 * await keyv.set('answer', 42, 60_000)
 */
export class KeyvPersistMqtt {
  /** Keyv makes an iterator for adapters whose dialect it knows, and for no others. */
  readonly opts = { dialect: 'redis', url: '' }
  /** Set by Keyv: what clear() removes. */
  namespace: string | undefined
  readonly #pool: KeyValuePool
  readonly #listeners: ErrorListener[] = []
  /** Those that Keyv tells by itself, because a call rejects with them. */
  readonly #rejected = new WeakSet<object>()

  /** The options of a store, which is opened at the first use; or `{ store }`, one that is open. */
  constructor(options: KeyValueOptions = {}) {
    this.#pool = new KeyValuePool(options, expiryInside)
    this.#pool.whenOpen((pt) => this.#listen(pt))
  }

  /**
   * What was set for a key.
   *
   * @throws {PersistError} as openStore(), where the store is not open yet
   */
  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      return (await this.#pool.get(key)) as Value | undefined
    } catch (error) {
      // Keyv keeps this one to itself, and says that there is no such key.
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

  /** Saves what is unsaved, and lets go of the store unless it was given. */
  disconnect(): Promise<void> {
    return this.#told(this.#pool.close())
  }

  /** Keyv listens to 'error': what fails without a call that rejects. */
  on(event: string, listener: (...args: never[]) => void): this {
    if (event === 'error') this.#listeners.push(listener as ErrorListener)
    return this
  }

  #listen(pt: Store): void {
    pt.$on('error', (error) => {
      // The call that rejects with the same error does so before that.
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
