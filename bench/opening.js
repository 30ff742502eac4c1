// @ts-check
import { bareConnection } from './bare-client.js'
import { CLIENTS, openingCase, retainPool } from './clients.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'
import { slowLink } from './slow-link.js'

const ROUND_TRIP_MS = 50
const ROUNDS = 7

/** What opening costs where the broker is far away. @returns {Promise<import('./report.js').Section>} */
export async function opening() {
  const isReal = installed('mosquitto') !== undefined
  const broker = await (isReal ? mosquitto() : embeddedBroker())
  // The embedded broker speaks 3.1.1 only; trying 5 first is a connection more.
  const protocolVersion = isReal ? 5 : 4
  await retainPool(broker)
  const link = await slowLink(broker.port, ROUND_TRIP_MS)
  const connected = async () => {
    const client = await bareConnection(link.url, { protocolVersion })
    return { save: async () => {}, close: () => client.endAsync() }
  }
  const t = await interleaved(
    {
      connected: openingCase(connected),
      bare: openingCase(() => CLIENTS.bare(link, protocolVersion)),
      raw: openingCase(() => CLIENTS.raw(link)),
      store: openingCase(() => CLIENTS.store(link, protocolVersion)),
    },
    ROUNDS,
  )
  await link.stop()
  await broker.stop()

  const trips = (/** @type {string} */ name) => t.ratio(name, 'connected')
  const row = (/** @type {string} */ what, /** @type {string} */ name) => [
    what,
    digits(trips(name)),
    duration(t.median(name)),
  ]
  return {
    title: 'Opening from far away',
    text: `Through a proxy with a round trip of ${ROUND_TRIP_MS} ms, which accepts connections at once, to ${isReal ? 'Mosquitto, MQTT 5' : 'the embedded broker'}. The pool has 1 KB. A round trip is what connecting (CONNECT, CONNACK) took in the same round. The way with MQTT.js: connect, subscribe to the pool and to a topic of one’s own, then publish to that, and when that message is here, a retained pool would be here too. The raw socket sends all of it in one flight: the limit.`,
    head: ['', 'round trips after TCP', 'time'],
    rows: [
      row('MQTT.js, connected', 'connected'),
      row('MQTT.js, one step after the other', 'bare'),
      row('raw socket', 'raw'),
      row('`openStore`', 'store'),
    ],
    targets: [{ what: 'Round trips for opening, after TCP’s', most: 1.1, is: trips('store') }],
  }
}
