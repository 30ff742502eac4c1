import { isMap, type JsonValue } from '../format/json.ts'
import { PersistError, type Store } from '../index.ts'
import { warn } from '../runtime/warning.ts'
import { type KeyValueOptions, KeyValuePool } from './key-value/key-value-pool.ts'

export type { KeyValueOptions } from './key-value/key-value-pool.ts'

type ErrorListener = (error: PersistError) => void

/**
 * A storage adapter for Keyv 5 and 6: each key is one variable of a pool.
 *
 * set() resolves when the broker holds the value. With `wait: false` or `autosave` it resolves at once, unconfirmed.
 * @example
 * const keyv = new Keyv({ store: new KeyvPersistMqtt({ url: 'mqtt://localhost', name: 'cache' }) })
 * await keyv.set('answer', 42, 60_000)
 */
export class KeyvPersistMqtt {
  /** Keyv 5 makes an iterator only for adapters whose dialect it knows. */
  readonly opts = { dialect: 'redis', url: '' }
  readonly #pool: KeyValuePool
  /** One of each Keyv that uses this adapter. */
  readonly #listeners: ErrorListener[] = []
  /** The namespaces that Keyv 5 has set, the latest one last; Keyv 6 sets none, and puts its own before each key. */
  readonly #namespaces = new Set<string | undefined>()
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
      // Keyv 5 does not emit this error, and answers that there is no such key.
      if (this.#namespaces.size > 0) this.#tell(error as PersistError)
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

  /** Keyv 5 sets it, and would leave out keys of another one than it reads here: `iterator` knows it better. */
  get namespace(): string | undefined {
    return undefined
  }

  set namespace(namespace: string | undefined) {
    this.#namespaces.delete(namespace)
    this.#namespaces.add(namespace)
  }

  /**
   * Removes all keys of the namespace; without one, all keys.
   *
   * @throws {PersistError} ERR_PERSIST_OPTION: several Keyv 5 have different namespaces here
   */
  async clear(): Promise<void> {
    if (this.#isShared) throw sharedError(this.#namespaces)
    await this.#told(this.#pool.clear(prefixOf(this.#namespace)))
  }

  has(key: string): Promise<boolean> {
    return this.#pool.has(key)
  }

  /** Keyv 5 reads it once, right after it has set its namespace; Keyv 6 passes its own. */
  get iterator(): <Value>(namespace?: string) => AsyncGenerator<[key: string, value: Value | undefined], void> {
    const own = this.#namespace
    return (namespace) => this.#entries(namespace ?? (this.#isShared ? own : this.#namespace))
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

  get #namespace(): string | undefined {
    return [...this.#namespaces].at(-1)
  }

  /** Keyv 5 does not say which one of several calls. */
  get #isShared(): boolean {
    return this.#namespaces.size > 1 && this.#listeners.length > 1
  }

  async *#entries<Value>(namespace: string | undefined): AsyncGenerator<[string, Value | undefined], void> {
    for (const key of await this.#pool.keys(prefixOf(namespace))) {
      const value = await this.#pool.get(key)
      if (value !== undefined) yield [key, value as Value]
    }
  }

  #listen(pt: Store): void {
    pt.$on('error', (error) => {
      // Later, since the call that rejects with this error must do so first.
      setTimeout(() => {
        if (!this.#rejected.has(error)) this.#tell(error)
      })
    })
  }

  #tell(error: PersistError): void {
    let isUnheard = false
    for (const listener of this.#listeners) {
      try {
        listener(error)
      } catch (thrown) {
        // Keyv 6 throws what nobody listens to, which no call would catch here: the program would end.
        if (thrown !== error) throw thrown
        isUnheard = true
      }
    }
    if (isUnheard) warn(error)
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

function sharedError(namespaces: ReadonlySet<string | undefined>): PersistError {
  const names = [...namespaces].map((name) => (name === undefined ? 'none' : JSON.stringify(name))).join(', ')
  const text =
    `Several Keyv use this adapter, with the namespaces ${names}, and Keyv 5 does not say which of them is to be cleared: ` +
    'nothing was. Give each an adapter of its own on one store: new KeyvPersistMqtt({ store: pt }).'
  return new PersistError('ERR_PERSIST_OPTION', text, { received: [...namespaces] })
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
