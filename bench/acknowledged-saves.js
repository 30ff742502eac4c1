// @ts-check
import { openStore } from 'persist-mqtt'
import { bareClient } from './bare-client.js'
import { kilobytePool } from './pools.js'
import { digits, duration, interleaved } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'

const ROUNDS = 11

/** Saves one after the other, each confirmed before the next. @returns {Promise<import('./report.js').Section>} */
export async function acknowledgedSaves() {
  const rows = []
  const targets = []
  const skipped = []
  const brokers = [
    { what: 'Mosquitto', start: mosquitto, times: 300, isThere: installed('mosquitto') !== undefined },
    { what: 'the embedded broker', start: embeddedBroker, times: 100, isThere: true },
  ]
  for (const { what, start, times, isThere } of brokers) {
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
      },
      ROUNDS,
    )
    await Promise.all([pt.$close(), bare.end()])
    await broker.stop()
    const speed = t.ratio('bare', 'store')
    const perSecond = (/** @type {string} */ name) => digits(1e9 / t.median(name))
    rows.push([
      what,
      digits(speed),
      perSecond('store'),
      perSecond('bare'),
      duration(t.median('store')),
      duration(t.median('bare')),
    ])
    targets.push({ what: `Saves per second on ${what} ÷ MQTT.js alone`, least: 0.9, is: speed })
  }
  return {
    title: 'Acknowledged saves, one after the other',
    text: 'A pool of 1 KB in which one number changes; QoS 1, retained. Each is acknowledged and has come back before the next is made. MQTT.js alone publishes `JSON.stringify(pool)` with TCP_NODELAY set; without, it would take some 40 ms each.',
    head: ['broker', 'persist-mqtt ÷ MQTT.js', 'saves/s', 'MQTT.js: publishes/s', 'a save', 'a publish'],
    rows,
    targets,
    skipped,
  }
}
