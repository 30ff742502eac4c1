// @ts-check
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { bareConnection } from './bare-client.js'
import { CLIENTS, retainPool } from './clients.js'
import { duration, interleaved, mapped } from './rounds.js'
import { installed, mosquitto, temporaryDirectory } from './servers.js'

const ROUNDS = 5
const SAVES = 30
const OTHER_POOLS = [0, 1000, 10_000]
const AT_ONCE = 1000
const DATABASE = 'mosquitto.db'
const SETTINGS = {
  '`persistence true` alone': [],
  '`autosave_interval 10`': ['autosave_interval 10'],
  '`autosave_interval 1`': ['autosave_interval 1'],
  '`autosave_on_changes true`, `autosave_interval 1`': ['autosave_on_changes true', 'autosave_interval 1'],
}

/** What it costs that Mosquitto keeps retained messages on disk. @returns {Promise<import('./report.js').Section>} */
export async function mosquittoSettings() {
  const section = {
    title: 'Mosquitto’s database',
    text: `Mosquitto with \`persistence true\`; other pools have 300 bytes. A save is one of 1 KB, published with MQTT.js, acknowledged and come back. The last column: ${AT_ONCE.toLocaleString('en')} pools are written at once to a broker that has none.`,
    head: [
      'setting',
      ...OTHER_POOLS.map((count) => `a save, ${count.toLocaleString('en')} others`),
      `${AT_ONCE.toLocaleString('en')} pools`,
    ],
    targets: [],
  }
  if (installed('mosquitto') === undefined) return { ...section, rows: [], skipped: ['Mosquitto is not installed.'] }
  /** @type {import('./rounds.js').Timings[]} */
  const saves = []
  for (const count of OTHER_POOLS) saves.push(await savesBeside(count))
  const filling = await interleaved(mapped(SETTINGS, fillingCase), 1)
  return {
    ...section,
    rows: Object.keys(SETTINGS).map((name) => [
      name,
      ...saves.map((times) => duration(times.median(name))),
      duration(filling.median(name)),
    ]),
  }
}

/** Saves at brokers that have so many pools already. @param {number} count */
async function savesBeside(count) {
  const filled = temporaryDirectory()
  const first = await mosquitto(['persistence true'], { directory: filled })
  await fill(first.url, count)
  await retainPool(first)
  // It writes its database when it ends.
  await first.stop()
  const brokers = await Promise.all(
    Object.entries(SETTINGS).map(async ([name, config]) => {
      const directory = temporaryDirectory()
      copyFileSync(join(filled, DATABASE), join(directory, DATABASE))
      const broker = await mosquitto(['persistence true', ...config], { directory })
      return { name, broker, client: await CLIENTS.bare(broker) }
    }),
  )
  const cases = brokers.map(({ name, client }) => [
    name,
    {
      times: SAVES,
      async run(/** @type {number} */ times) {
        for (let i = 0; i < times; i++) await client.save()
      },
    },
  ])
  const times = await interleaved(Object.fromEntries(cases), ROUNDS)
  for (const { broker, client } of brokers) {
    await client.close()
    await broker.stop()
  }
  return times
}

/** @param {readonly string[]} config @returns {import('./rounds.js').Case} */
function fillingCase(config) {
  return {
    times: 1,
    before: () => mosquitto(['persistence true', ...config]),
    run: (_, broker) => fill(broker.url, AT_ONCE),
    after: (broker) => broker.stop(),
  }
}

/** @param {string} url @param {number} count */
async function fill(url, count) {
  const client = await bareConnection(url)
  const text = JSON.stringify({ text: 'x'.repeat(288) })
  const topics = Array.from({ length: count }, (_, index) => `stat/p${index}/PersistMQTT`)
  await Promise.all(topics.map((topic) => client.publishAsync(topic, text, { qos: 1, retain: true })))
  await client.endAsync()
}
