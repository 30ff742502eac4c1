// @ts-check
import { openStore } from 'persist-mqtt'
import { bareClient, retain } from './bare-client.js'
import { kilobytePool } from './pools.js'
import { publishPacket, rawClient } from './raw-client.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'

const ROUNDS = 11

/** Saves one after the other, each confirmed before the next. @returns {Promise<import('./report.js').Section>} */
export async function acknowledgedSaves() {
  const rows = []
  const targets = []
  const skipped = []
  const brokers = [
    { what: 'Mosquitto', start: mosquitto, times: 300, isThere: installed('mosquitto') !== undefined, most: 1.9 },
    { what: 'the embedded broker', start: embeddedBroker, times: 100, isThere: true },
  ]
  for (const { what, start, times, isThere, most } of brokers) {
    if (!isThere) {
      skipped.push(`${what}: not installed.`)
      continue
    }
    const broker = await start()
    const pt = await openStore({ url: broker.url, name: 'bench-saves', saveOnExit: false })
    Object.assign(pt, kilobytePool())
    await pt.save()
    const pool = kilobytePool()
    const bare = await bareClient(broker.url, 'stat/bench-bare/PersistMQTT')
    const topic = 'stat/bench-raw/PersistMQTT'
    const packets = [0, 1].map((counter) => {
      return publishPacket(topic, JSON.stringify({ ...pool, counter }), { retain: true })
    })
    await retain(broker.url, topic, JSON.stringify(pool))
    const raw = await rawClient(broker.port, topic)
    const t = await interleaved(
      {
        store: {
          times,
          async run(count) {
            for (let i = 0; i < count; i++) {
              pt.counter++
              await pt.save()
            }
          },
        },
        bare: {
          times,
          async run(count) {
            for (let i = 0; i < count; i++) {
              pool.counter++
              await bare.publish(JSON.stringify(pool))
            }
          },
        },
        raw: {
          times,
          async run(count) {
            for (let i = 0; i < count; i += packets.length) {
              for (const packet of packets) await raw.publish(packet)
            }
          },
        },
      },
      ROUNDS,
    )
    await Promise.all([pt.$close(), bare.end()])
    raw.end()
    await broker.stop()
    const speed = t.ratio('bare', 'store')
    const perSecond = (/** @type {string} */ name) => digits(1e9 / t.median(name))
    const overLimit = t.ratio('store', 'raw')
    rows.push([
      what,
      digits(speed),
      digits(overLimit),
      perSecond('store'),
      perSecond('bare'),
      ...['store', 'bare', 'raw'].map((name) => duration(t.median(name))),
    ])
    targets.push({ what: `Saves per second on ${what} ÷ MQTT.js alone`, least: 0.95, is: speed })
    if (most !== undefined) targets.push({ what: `A save on ${what} ÷ a raw socket’s, in time`, most, is: overLimit })
  }
  return {
    title: 'Acknowledged saves, one after the other',
    text: 'A pool of 1 KB in which one number changes; QoS 1, retained. Each is acknowledged and has come back before the next is made. MQTT.js alone publishes `JSON.stringify(pool)` with TCP_NODELAY set; without, it would take some 40 ms each. The raw socket sends packets that were encoded before: the limit.',
    head: [
      'broker',
      'saves/s ÷ MQTT.js',
      'time ÷ raw socket',
      'saves/s',
      'MQTT.js: publishes/s',
      'a save',
      'MQTT.js: a publish',
      'raw socket: a publish',
    ],
    rows,
    targets,
    skipped,
  }
}
