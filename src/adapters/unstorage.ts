import type { Driver } from 'unstorage'
import { PersistError, type Store } from '../index.ts'
import { type KeyValueOptions, KeyValuePool } from './key-value/key-value-pool.ts'

/** Options of a store, which is opened at the first use; or `store`, an open one. */
export interface UnstorageOptions extends KeyValueOptions {
  /** How long items without a `ttl` of their own are kept, in seconds. @default for ever */
  ttl?: number | undefined
}

/**
 * A driver for unstorage: each item is one variable of a pool.
 *
 * setItem() resolves when the broker holds the item. With `wait: false` or `autosave` it resolves at once, unconfirmed.
 * @example
 * const storage = createStorage({ driver: persistMqttDriver({ url: 'mqtt://localhost', name: 'site' }) })
 * await storage.setItem('visits', 1, { ttl: 3600 })
 */
export function persistMqttDriver(options: UnstorageOptions = {}): Driver<UnstorageOptions, Promise<Store>> {
  const { ttl: defaultTtl, ...poolOptions } = options
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
