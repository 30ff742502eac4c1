// @ts-check
import { openStore } from 'persist-mqtt'
import { persistMqttDriver } from 'persist-mqtt/unstorage'
import { createStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'
import redisDriver from 'unstorage/drivers/redis'
import { digits, duration, interleaved } from './rounds.js'
import { installed, mosquitto, redis, temporaryDirectory } from './servers.js'

const ROUNDS = 5
const ITEMS = 1000
const VALUE = { degrees: 21.5, at: '2026-01-01T12:00:00Z', note: 'x'.repeat(40) }
const OURS = 'persist-mqtt, set when the broker has it'

/** @typedef {{ storage: import('unstorage').Storage, stop(): unknown }} Running */

/** @param {object} options @returns {() => Promise<Running>} */
const overBroker = (options) => async () => {
  const broker = await mosquitto()
  const store = await openStore({ url: broker.url, name: 'bench-items', saveOnExit: false, ...options })
  const storage = createStorage({ driver: persistMqttDriver({ store, ...options }) })
  return {
    storage,
    async stop() {
      await store.$close()
      await broker.stop()
    },
  }
}

/** @type {readonly { what: string, needs?: string, start(): Promise<Running> }[]} */
const CANDIDATES = [
  { what: OURS, needs: 'mosquitto', start: overBroker({}) },
  {
    what: 'persist-mqtt, `autosave: { delayMs: 100 }`',
    needs: 'mosquitto',
    start: overBroker({ autosave: { delayMs: 100 } }),
  },
  {
    what: 'Redis, in the server’s memory',
    needs: 'redis-server',
    async start() {
      const server = await redis()
      const storage = createStorage({ driver: redisDriver({ port: server.port, host: '127.0.0.1' }) })
      return {
        storage,
        async stop() {
          await storage.dispose()
          await server.stop()
        },
      }
    },
  },
  {
    what: 'files, not synced',
    start: async () => ({ storage: createStorage({ driver: fsDriver({ base: temporaryDirectory() }) }), stop() {} }),
  },
]

/** So that every value is another one: what has not changed is not sent. */
let changes = 0

/** @type {Record<string, { times: number, work: (storage: import('unstorage').Storage, key: string) => unknown }>} */
const WORK = {
  setItem: { times: 200, work: (storage, key) => storage.setItem(key, { ...VALUE, change: changes++ }) },
  getItem: { times: 1000, work: (storage, key) => storage.getItem(key) },
  getKeys: { times: 10, work: (storage) => storage.getKeys() },
}

/** Items of unstorage, of which there are 1,000. @returns {Promise<import('./report.js').Section>} */
export async function keyValue() {
  const there = CANDIDATES.filter(({ needs }) => needs === undefined || installed(needs) !== undefined)
  const skipped = CANDIDATES.filter((candidate) => !there.includes(candidate)).map(
    ({ what, needs }) => `${what}: skipped, ${needs} is not installed.`,
  )
  const running = await Promise.all(there.map(async ({ what, start }) => ({ what, ...(await start()) })))
  const keys = Array.from({ length: ITEMS }, (_, index) => `room:${index}`)
  for (const { storage } of running) await storage.setItems(keys.map((key) => ({ key, value: VALUE })))
  /** @type {string[][]} */
  const rows = []
  for (const [name, { times, work }] of Object.entries(WORK)) {
    const cases = running.map(({ what, storage }) => [
      what,
      {
        times,
        async run(/** @type {number} */ count) {
          for (let i = 0; i < count; i++) await work(storage, keys[(i * 7) % ITEMS] ?? '')
        },
      },
    ])
    const t = await interleaved(Object.fromEntries(cases), ROUNDS)
    for (const { what } of running) {
      rows.push([`\`${name}\``, what, digits(t.ratio(what, OURS)), duration(t.median(what)), t.spread(what)])
    }
  }
  for (const { stop } of running) await stop()
  return {
    title: 'Keys and values',
    text: `unstorage with its own drivers and with ours, ${ITEMS.toLocaleString('en')} items of 100 bytes, one call after the other. Ours reads from memory and sends all items with every save: many items that change often are better elsewhere.`,
    head: ['', '', 'times the first', 'median', 'fastest to slowest round'],
    rows,
    targets: [],
    skipped,
  }
}
