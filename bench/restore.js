// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { linesOf } from '../dist/pools/backup.js'
import { bareConnection } from './bare-client.js'
import { kilobytePool } from './pools.js'
import { connectPacket, publishPacket, rawSocket, subscribePacket } from './raw-client.js'
import { duration, interleaved } from './rounds.js'
import { installed, mosquitto, temporaryDirectory } from './servers.js'

const POOLS = 2000
const ROUNDS = 3
const HERE = new URL('..', import.meta.url)

/** Restoring many pools at a broker that has none. @returns {Promise<import('./report.js').Section>} */
export async function restore() {
  const section = {
    title: 'Restoring many pools',
    text: `${POOLS.toLocaleString('en')} pools of 1 KB, to Mosquitto as it comes, which has none of them. \`persist-mqtt import\` is a process, measured from its start to its end. The others, in the process of the benchmark, publish all of it at once on one connection, wait for the acknowledgements, and read all pools back at QoS 0; the raw socket’s packets were encoded before: the limit.`,
    head: ['', 'time'],
  }
  if (installed('mosquitto') === undefined) {
    return { ...section, rows: [], targets: [], skipped: ['Mosquitto is not installed.'] }
  }
  const pools = Array.from({ length: POOLS }, (_, index) => {
    const name = `p${index}`
    return { name, topic: `stat/${name}/PersistMQTT`, text: JSON.stringify({ ...kilobytePool(), counter: index }) }
  })
  const file = join(temporaryDirectory(), 'backup.jsonl')
  writeFileSync(file, backupOf(pools).join(''))
  const packets = pools.map(({ topic, text }, index) => {
    return publishPacket(topic, text, { retain: true, messageId: index + 1 })
  })
  /** @param {(broker: import('./servers.js').Server) => Promise<unknown>} work */
  const atNewBroker = (work) => ({
    times: 1,
    before: () => mosquitto(),
    run: (/** @type {number} */ _, /** @type {import('./servers.js').Server} */ broker) => work(broker),
    after: (/** @type {import('./servers.js').Server} */ broker) => broker.stop(),
  })
  const t = await interleaved(
    {
      import: atNewBroker(({ url }) => imported(file, url)),
      bare: atNewBroker(({ url }) => bareRestored(url, pools)),
      raw: atNewBroker(({ port }) => rawRestored(port, packets)),
    },
    ROUNDS,
  )
  return {
    ...section,
    rows: [
      ['`persist-mqtt import`', duration(t.median('import'))],
      ['MQTT.js', duration(t.median('bare'))],
      ['raw socket', duration(t.median('raw'))],
    ],
    targets: [{ what: `Restoring ${POOLS.toLocaleString('en')} pools, s`, most: 1, is: t.median('import') / 1e9 }],
  }
}

/** @typedef {{ name: string, topic: string, text: string }} Pool */

/** @param {readonly Pool[]} pools */
function backupOf(pools) {
  const saved = pools.map(({ name, topic, text }) => {
    return { name, topic, bytes: new TextEncoder().encode(text), owner: /** @type {const} */ ('none') }
  })
  return [...linesOf({ created: new Date(0).toISOString(), broker: '', isComplete: true, pools: saved })]
}

/** @param {string} file @param {string} url */
async function imported(file, url) {
  const child = spawn(process.execPath, ['bin/persist-mqtt.js', 'import', file, '--yes', '--url', url], {
    cwd: HERE,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    errors += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0 || !errors.includes(`${POOLS} pools restored`)) throw new Error(`Restoring failed: ${errors}`)
}

/** @param {string} url @param {readonly Pool[]} pools */
async function bareRestored(url, pools) {
  const client = await bareConnection(url)
  await Promise.all(pools.map(({ topic, text }) => client.publishAsync(topic, text, { qos: 1, retain: true })))
  const missing = new Map(pools.map(({ topic, text }) => [topic, text]))
  const listed = new Promise((resolve) => {
    client.on('message', (topic, bytes) => {
      if (missing.get(topic) === bytes.toString()) missing.delete(topic)
      if (missing.size === 0) resolve(undefined)
    })
  })
  await client.subscribeAsync('stat/+/PersistMQTT', { qos: 0 })
  await listed
  await client.endAsync()
}

/** @param {number} port @param {readonly Buffer[]} packets */
async function rawRestored(port, packets) {
  const socket = await rawSocket(port)
  // CONNACK and the PUBACKs; then SUBACK and the pools.
  await socket.exchange([connectPacket(), ...packets], 1 + packets.length)
  await socket.exchange([subscribePacket(['stat/+/PersistMQTT'], 0)], 1 + packets.length)
  socket.end()
}
