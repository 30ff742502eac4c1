// @ts-check
import { connectAsync } from 'mqtt'
import { openStore } from 'persist-mqtt'
import { kilobytePool } from './pools.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'
import { slowLink } from './slow-link.js'

const ROUND_TRIP_MS = 50
const ROUNDS = 7
const TOPIC = 'stat/bench-opening/PersistMQTT'

/** What opening costs where the broker is far away. @returns {Promise<import('./report.js').Section>} */
export async function opening() {
  const isReal = installed('mosquitto') !== undefined
  const broker = await (isReal ? mosquitto() : embeddedBroker())
  // The embedded broker speaks 3.1.1 only; trying 5 first is a connection more.
  const protocolVersion = isReal ? 5 : 4
  const link = await slowLink(broker.port, ROUND_TRIP_MS)
  const first = await connectAsync(broker.url)
  await first.publishAsync(TOPIC, JSON.stringify(kilobytePool()), { qos: 1, retain: true })
  await first.endAsync()

  /** @type {(() => Promise<unknown>)[]} */
  const toClose = []
  const connected = async () => {
    const client = await connectAsync(link.url, { protocolVersion })
    toClose.push(() => client.endAsync(true))
    return client
  }
  const t = await interleaved(
    {
      connected: { times: 1, run: connected },
      naive: {
        times: 1,
        async run() {
          const client = await connected()
          const fence = `bench/fence/${client.options.clientId}`
          /** @type {unknown} */
          let pool
          const answered = new Promise((resolve) => {
            client.on('message', (topic, bytes) => {
              if (topic === TOPIC) pool = JSON.parse(bytes.toString())
              else resolve(undefined)
            })
          })
          await client.subscribeAsync([TOPIC, fence], { qos: 1 })
          await client.publishAsync(fence, '', { qos: 1 })
          await answered
          if (pool === undefined) throw new Error('The pool did not come')
        },
      },
      store: {
        times: 1,
        async run() {
          const pt = await openStore({ url: link.url, name: 'bench-opening', saveOnExit: false, protocolVersion })
          if (pt.counter !== kilobytePool().counter) throw new Error('The pool did not come')
          toClose.push(() => pt.$close())
        },
      },
    },
    ROUNDS,
  )
  await Promise.all(toClose.map((close) => close()))
  await link.stop()
  await broker.stop()

  const trips = (/** @type {string} */ name) => t.ratio(name, 'connected')
  const row = (/** @type {string} */ what, /** @type {string} */ name) => [
    what,
    digits(trips(name) - 1),
    duration(t.median(name)),
  ]
  return {
    title: 'Opening from far away',
    text: `Through a proxy with a round trip of ${ROUND_TRIP_MS} ms, which accepts connections at once, to ${isReal ? 'Mosquitto, MQTT 5' : 'the embedded broker'}. The pool has 1 KB. A round trip is what connecting (CONNECT, CONNACK) took in the same round. The way with MQTT.js: subscribe to the pool and to a topic of one’s own, then publish to that, and when that message is here, a retained pool would be here too.`,
    head: ['', 'round trips after the connection is up', 'time'],
    rows: [
      ['MQTT.js, connected', '0', duration(t.median('connected'))],
      row('MQTT.js, one step after the other', 'naive'),
      row('`openStore`', 'store'),
    ],
    targets: [{ what: 'Round trips for opening, once connected', most: 1.2, is: trips('store') - 1 }],
  }
}
