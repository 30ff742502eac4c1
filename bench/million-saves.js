// @ts-check
import { openStore } from 'persist-mqtt'
import { heapInUse, megabytes } from './heap.js'
import { kilobytePool } from './pools.js'
import { duration } from './rounds.js'
import { embeddedBroker, installed, mosquitto } from './servers.js'

const SAVES = 1_000_000

/** What a program may do that saves after every change and never waits. @returns {Promise<import('./report.js').Section>} */
export async function millionSaves() {
  const isReal = installed('mosquitto') !== undefined
  const broker = await (isReal ? mosquitto() : embeddedBroker())
  const pt = await openStore({ url: broker.url, name: 'bench-million', saveOnExit: false })
  Object.assign(pt, kilobytePool())
  await pt.save()

  const rows = []
  for (const [what, pause] of /** @type {const} */ ([
    ['in one go', SAVES + 1],
    ['with a turn of the event loop after every 1,000', 1000],
  ])) {
    let writes = 0
    const stop = pt.$on('save', () => {
      writes++
    })
    const before = await heapInUse()
    const start = performance.now()
    let last = Promise.resolve()
    for (let i = 1; i <= SAVES; i++) {
      pt.counter++
      last = pt.save()
      if (i % pause === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const called = performance.now() - start
    const uncollected = process.memoryUsage().heapUsed
    await last
    const all = performance.now() - start
    const after = await heapInUse()
    stop()
    rows.push(
      [what, writes.toLocaleString('en'), duration(called * 1e6), duration(all * 1e6)].concat(
        [before, uncollected, after].map(megabytes),
      ),
    )
  }
  await pt.$close()
  await broker.stop()
  return {
    title: 'A million saves that nobody waits for',
    text: `\`pt.counter++\` and \`pt.save()\`, ${SAVES.toLocaleString('en')} times, to ${isReal ? 'Mosquitto' : 'the embedded broker'}; a pool of 1 KB. What is called for while a write is under way is one next write.`,
    head: [
      '',
      'writes',
      'calls made after',
      'all confirmed after',
      'heap before',
      'before garbage collection',
      'heap after',
    ],
    rows,
    targets: [],
  }
}
