import { PersistError, type Store } from '../index.ts'
import { type KeyValueOptions, KeyValuePool } from './key-value/key-value-pool.ts'

/** Options of a store, which is opened at the first use; or `store`, an open one. */
export interface UnstorageOptions extends KeyValueOptions {
  /** How long items without a `ttl` of their own are kept, in seconds. @default for ever */
  ttl?: number | undefined
}

type ItemOptions = Record<string, unknown>

/** What unstorage calls. Its own type of a driver compiles only where the packages of all its drivers are installed. */
export interface PersistMqttDriver {
  readonly name: string
  readonly flags: { ttl: boolean }
  readonly options: UnstorageOptions
  /** The store, which is opened if it is not open yet. */
  getInstance(): Promise<Store>
  hasItem(key: string): Promise<boolean>
  /** The text of an item; null: there is none, or it has expired. */
  getItem(key: string): Promise<string | null>
  /** Sets an item; `ttl` is in seconds. */
  setItem(key: string, value: string, options?: ItemOptions): Promise<void>
  /** Sets items, all in one message. */
  setItems(items: { key: string; value: string; options?: ItemOptions }[], options?: ItemOptions): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
  clear(base?: string): Promise<void>
  /** Saves what is unsaved, and closes the store unless the program had opened it. */
  dispose(): Promise<void>
  watch(callback: (event: 'update' | 'remove', key: string) => void): Promise<() => void>
}

/**
 * A driver for unstorage: each item is one variable of a pool.
 *
 * setItem() resolves when the broker holds the item. With `wait: false` or `autosave` it resolves at once, unconfirmed.
 * @example
 * const storage = createStorage({ driver: persistMqttDriver({ url: 'mqtt://localhost', name: 'site' }) })
 * await storage.setItem('visits', 1, { ttl: 3600 })
 */
export function persistMqttDriver(options: UnstorageOptions = {}): PersistMqttDriver {
  // Nitro and Nuxt hand over the whole entry of their configuration: the driver's name as well.
  const { ttl: defaultTtl, driver: _, ...poolOptions } = options as UnstorageOptions & { driver?: unknown }
  const pool = new KeyValuePool(poolOptions)
  const expires = (ttl: unknown = defaultTtl) => expiryOf(ttl)
  return {
    name: 'persist-mqtt',
    flags: { ttl: true },
    options,
    getInstance: () => pool.store(),
    hasItem: (key) => pool.has(key),
    getItem: async (key) => ((await pool.get(key)) as string | undefined) ?? null,
    setItem: (key, value, { ttl } = {}) => pool.set([{ key, value, expires: expires(ttl) }]),
    setItems: (items, { ttl } = {}) =>
      pool.set(items.map(({ key, value, options: own }) => ({ key, value, expires: expires({ ttl, ...own }.ttl) }))),
    removeItem: async (key) => void (await pool.remove(key)),
    getKeys: (base) => pool.keys(base),
    clear: (base) => pool.clear(base),
    dispose: () => pool.close(),
    watch: (callback) => pool.watch(callback),
  }
}

// Nitro and Nuxt take the module of a driver by name, and its default export.
export default persistMqttDriver

/** When an item expires, in milliseconds since 1970; undefined: never. */
function expiryOf(ttl: unknown): number | undefined {
  if (ttl === undefined || ttl === null || ttl === 0 || ttl === Number.POSITIVE_INFINITY) return undefined
  if (typeof ttl === 'number' && Number.isFinite(ttl)) return Date.now() + ttl * 1000
  throw new PersistError('ERR_PERSIST_OPTION', `Option ttl: ${String(ttl)} is no number of seconds.`, {
    received: 'ttl',
  })
}
