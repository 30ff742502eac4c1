// @ts-check
import { openEditor, openStore } from 'persist-mqtt'
import { bareConnection } from './bare-client.js'
import { CLIENTS, firstSaveCase, NAME, openingCase, retainPool, TOPIC } from './clients.js'
import { kilobytePool } from './pools.js'
import { connectPacket, publishPacket, rawSocket, subscribePacket } from './raw-client.js'
import { duration, interleaved, mapped } from './rounds.js'
import { installed, mosquitto } from './servers.js'

const ROUNDS = 9
const PATCH = 'bench/patch'
const ANSWER = 'bench/answer'
const CANDIDATES = /** @type {const} */ (['store', 'bare', 'raw', 'noDelay'])

/** What a program does that starts, changes one value and ends: each step once, from cold. @returns {Promise<import('./report.js').Section>} */
export async function firstSteps() {
  const section = {
    title: 'The first steps',
    text: 'Each step once, on a new connection, as a program does it that changes one value and ends. Mosquitto as it comes does not set TCP_NODELAY: its second small packet waits until the first one is acknowledged, which a system puts off for 40 ms where it has nothing to send. A pool of 1 KB. A patch goes to a program that owns the pool, which saves it and answers. MQTT.js does it one step after the other at QoS 1; the raw socket sends packets that were encoded before, a patch and its answer at QoS 0, and a PINGREQ where it waits: the limit.',
    head: ['', 'persist-mqtt', 'MQTT.js', 'raw socket', 'persist-mqtt, `set_tcp_nodelay true`'],
  }
  if (installed('mosquitto') === undefined) {
    return { ...section, rows: [], targets: [], skipped: ['Mosquitto is not installed.'] }
  }
  const asItComes = await mosquitto()
  const noDelay = await mosquitto(['persistence false', 'set_tcp_nodelay true'])
  await Promise.all([asItComes, noDelay].map(retainPool))
  const ways = {
    store: () => CLIENTS.store(asItComes),
    bare: () => CLIENTS.bare(asItComes),
    raw: () => CLIENTS.raw(asItComes),
    noDelay: () => CLIENTS.store(noDelay),
  }
  const opening = await interleaved(mapped(ways, openingCase), ROUNDS)
  const saving = await interleaved(mapped(ways, firstSaveCase), ROUNDS)
  const editors = {
    store: () => storeAndEditor(asItComes),
    bare: () => bareAndEditor(asItComes),
    raw: () => rawAndEditor(asItComes),
    noDelay: () => storeAndEditor(noDelay),
  }
  const patching = await interleaved(mapped(editors, firstSaveCase), ROUNDS)
  await Promise.all([asItComes.stop(), noDelay.stop()])

  const steps = [
    { what: '`openStore`', times: opening, most: 5 },
    { what: 'the first `save()`', times: saving, most: 3 },
    { what: '`editor.patch()`', times: patching, most: 3 },
  ]
  return {
    ...section,
    rows: steps.map(({ what, times }) => [what, ...CANDIDATES.map((name) => duration(times.median(name)))]),
    targets: steps.map(({ what, times, most }) => {
      return { what: `${what} on Mosquitto as it comes, ms`, most, is: times.median('store') / 1e6 }
    }),
  }
}

/** @param {import('./clients.js').Address} at @returns {Promise<import('./clients.js').Opened>} */
async function storeAndEditor({ url }) {
  const pt = await openStore({ url, name: NAME, saveOnExit: false })
  const editor = await openEditor({ url, name: NAME })
  return {
    save: () => editor.patch({ counter: 1 + Number(pt.counter) }),
    async close() {
      await editor.close()
      await pt.$close()
    },
  }
}

/** @param {import('./clients.js').Address} at @returns {Promise<import('./clients.js').Opened>} */
async function bareAndEditor({ url }) {
  const [owner, editor] = await Promise.all([bareConnection(url), bareConnection(url)])
  const pool = kilobytePool()
  owner.on('message', async (topic, bytes) => {
    if (topic !== PATCH) return
    Object.assign(pool, JSON.parse(bytes.toString()))
    await owner.publishAsync(TOPIC, JSON.stringify(pool), { qos: 1, retain: true })
    await owner.publishAsync(ANSWER, '{"ok":true}', { qos: 1 })
  })
  await owner.subscribeAsync([PATCH, TOPIC], { qos: 1 })
  await editor.subscribeAsync(ANSWER, { qos: 1 })
  return {
    async save() {
      const answered = new Promise((resolve) => editor.once('message', resolve))
      await editor.publishAsync(PATCH, JSON.stringify({ counter: pool.counter + 1 }), { qos: 1 })
      await answered
    },
    close: () => Promise.all([owner.endAsync(), editor.endAsync()]),
  }
}

/** @param {import('./clients.js').Address} at @returns {Promise<import('./clients.js').Opened>} */
async function rawAndEditor({ port }) {
  const [owner, editor] = await Promise.all([rawSocket(port), rawSocket(port)])
  // CONNACK and SUBACK.
  await owner.exchange([connectPacket(), subscribePacket([PATCH])], 2)
  await editor.exchange([connectPacket(), subscribePacket([ANSWER])], 2)
  const packets = {
    pool: publishPacket(TOPIC, JSON.stringify(kilobytePool()), { retain: true }),
    // At QoS 1 its PUBACK would keep back the answer.
    patch: publishPacket(PATCH, '{"counter":1}', { qos: 0 }),
    answer: publishPacket(ANSWER, '{"ok":true}', { qos: 0 }),
  }
  return {
    async save() {
      const done = editor.exchange([packets.patch], 1)
      await owner.exchange([], 1)
      await owner.exchange([packets.pool], 1)
      await Promise.all([owner.exchange([packets.answer], 0), done])
    },
    close() {
      owner.end()
      editor.end()
    },
  }
}
