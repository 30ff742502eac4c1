// @ts-check
import { join } from 'node:path'
import Conf from 'conf'
import { Redis } from 'ioredis'
import { connect as connectNats, StringCodec } from 'nats'
import nodePersist from 'node-persist'
import { openStore } from 'persist-mqtt'
import { openStore as openFile } from 'persist-mqtt/file'
import { kilobytePool } from './pools.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto, nats, redis, temporaryDirectory } from './servers.js'

const ROUNDS = 7
const TIMES = 100

/** @typedef {{ what: string, means: string, needs?: string, start(): Promise<{ change(): unknown, stop(): unknown }> }} Candidate */

/** @param {() => Promise<import('./servers.js').Server>} start */
const overBroker = (start) => async () => {
  const broker = await start()
  const pt = await openStore({ url: broker.url, name: 'bench-durable', saveOnExit: false })
  return storeChange(pt, () => broker.stop())
}

/** @param {readonly string[]} config */
const overRedis = (config) => async () => {
  const server = await redis([...config])
  const client = new Redis(server.port, '127.0.0.1')
  const pool = kilobytePool()
  return {
    change() {
      pool.counter++
      return client.set('pool', JSON.stringify(pool))
    },
    async stop() {
      await client.quit()
      await server.stop()
    },
  }
}

/** @type {readonly Candidate[]} */
const CANDIDATES = [
  {
    what: 'persist-mqtt, Mosquitto',
    means: 'in the broker’s memory; on disk when it says (default: never)',
    needs: 'mosquitto',
    start: overBroker(() => mosquitto()),
  },
  {
    what: 'persist-mqtt, Mosquitto with `autosave_on_changes`',
    means: 'in the broker’s memory; on disk at once, not waited for',
    needs: 'mosquitto',
    start: overBroker(() => mosquitto(['persistence true', 'autosave_on_changes true', 'autosave_interval 1'])),
  },
  { what: 'persist-mqtt, embedded broker', means: 'on disk (fsync)', start: overBroker(embeddedBroker) },
  {
    what: 'persist-mqtt/file',
    means: 'on disk (fsync), file and directory',
    start: async () =>
      storeChange(await openFile({ name: 'bench', file: join(temporaryDirectory(), 'pool.json'), saveOnExit: false })),
  },
  { what: 'Redis `SET`', means: 'in the server’s memory', needs: 'redis-server', start: overRedis([]) },
  {
    what: 'Redis `SET`, appendfsync always',
    means: 'on disk (fsync)',
    needs: 'redis-server',
    start: overRedis(['--appendonly', 'yes', '--appendfsync', 'always']),
  },
  {
    what: 'NATS KV `put`',
    means: 'written to its file, fsync every two minutes',
    needs: 'nats-server',
    async start() {
      const server = await nats()
      const connection = await connectNats({ servers: `127.0.0.1:${server.port}` })
      const bucket = await connection.jetstream().views.kv('bench')
      const codec = StringCodec()
      const pool = kilobytePool()
      return {
        change() {
          pool.counter++
          return bucket.put('pool', codec.encode(JSON.stringify(pool)))
        },
        async stop() {
          await connection.close()
          await server.stop()
        },
      }
    },
  },
  {
    what: 'conf `set`',
    means: 'on disk (fsync), synchronously',
    async start() {
      const conf = new Conf({ cwd: temporaryDirectory(), configName: 'bench' })
      const { counter, ...others } = kilobytePool()
      conf.set({ counter, ...others })
      let i = counter
      return { change: () => conf.set('counter', ++i), stop() {} }
    },
  },
  {
    what: 'node-persist `setItem`',
    means: 'written to a file',
    async start() {
      const storage = nodePersist.create({ dir: temporaryDirectory() })
      await storage.init()
      const pool = kilobytePool()
      return {
        change() {
          pool.counter++
          return storage.setItem('pool', pool)
        },
        stop() {},
      }
    },
  },
]

/** One value changed so that it outlives the program. @returns {Promise<import('./report.js').Section>} */
export async function durableChange() {
  const there = CANDIDATES.filter(({ needs }) => needs === undefined || installed(needs) !== undefined)
  const skipped = CANDIDATES.filter((candidate) => !there.includes(candidate)).map(
    ({ what, needs }) => `${what}: skipped, ${needs} is not installed.`,
  )
  const running = await Promise.all(there.map(async ({ what, start }) => ({ what, ...(await start()) })))
  const t = await interleaved(
    Object.fromEntries(
      running.map(({ what, change }) => [
        what,
        {
          times: TIMES,
          async run(/** @type {number} */ times) {
            for (let i = 0; i < times; i++) await change()
          },
        },
      ]),
    ),
    ROUNDS,
  )
  for (const { stop } of running) await stop()
  return {
    title: 'Changing one value so that it outlives the program',
    text: 'One number in 1 KB of JSON, one change after the other; for orientation, since what an acknowledgement stands for differs. What outlives a crash of the whole machine is on disk.',
    head: ['', 'times `persist-mqtt/file`', 'median', 'fastest to slowest round', 'once acknowledged, it is'],
    rows: there.map(({ what, means }) => [
      what,
      digits(t.ratio(what, 'persist-mqtt/file')),
      duration(t.median(what)),
      t.spread(what),
      means,
    ]),
    targets: [],
    skipped,
  }
}

/** @param {import('persist-mqtt').Store} pt @param {() => unknown} [stopServer] */
async function storeChange(pt, stopServer) {
  Object.assign(pt, kilobytePool())
  await pt.save()
  return {
    change() {
      pt.counter++
      return pt.save()
    },
    async stop() {
      await pt.$close()
      await stopServer?.()
    },
  }
}
