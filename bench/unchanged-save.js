// @ts-check
import { getVersion, proxy, snapshot } from 'valtio/vanilla'
import { heldPool, storeOf } from './memory-store.js'
import { flatPool, nestedPool } from './pools.js'
import { digits, duration, interleaved } from './rounds.js'

const ROUNDS = 9
const TIMES = 50_000

/** What a save costs that finds nothing changed. @returns {Promise<import('./report.js').Section>} */
export async function unchangedSave() {
  const rows = []
  const targets = []
  for (const [what, pool] of /** @type {const} */ ([
    ['1,000 variables with 100 values each', nestedPool()],
    ['100,000 variables', flatPool()],
  ])) {
    const pt = await storeOf(await heldPool(pool))
    const state = proxy(structuredClone(pool))
    const text = JSON.stringify(pool)
    let same = 0
    const t = await interleaved(
      {
        'save()': { times: TIMES, run: (times) => repeat(times, () => pt.save()) },
        'await save()': {
          times: TIMES,
          run: async (times) => {
            for (let i = 0; i < times; i++) await pt.save()
          },
        },
        getVersion: { times: TIMES, run: (times) => repeat(times, () => getVersion(state)) },
        snapshot: { times: TIMES, run: (times) => repeat(times, () => snapshot(state)) },
        json: {
          times: 2,
          run: (times) =>
            repeat(times, () => {
              if (JSON.stringify(pool) === text) same++
            }),
        },
      },
      ROUNDS,
    )
    if (same === 0) throw new Error('The texts should be the same')
    await pt.$close()
    rows.push([
      what,
      `1 : ${digits(1 / t.ratio('save()', 'json'))}`,
      ...['save()', 'await save()', 'getVersion', 'snapshot', 'json'].map((name) => duration(t.median(name))),
    ])
    targets.push(
      { what: `save() that finds nothing changed, ${what} (µs)`, most: 1, is: t.median('save()') / 1e3 },
      { what: `The same awaited, ${what} (µs)`, most: 1, is: t.median('await save()') / 1e3 },
    )
  }
  return {
    title: 'A save that finds nothing changed',
    text: 'A pool of 100,000 values. The text comparison is how a Tasmota device finds out: `JSON.stringify` of the whole pool, compared with the text that was saved last. valtio saves nothing; `getVersion` and `snapshot` are how one finds out there that nothing has changed.',
    head: [
      'pool',
      'save() : text comparison',
      '`save()`',
      '`await save()`',
      'valtio `getVersion`',
      'valtio `snapshot`',
      'text comparison',
    ],
    rows,
    targets,
  }
}

/** @param {number} times @param {() => unknown} step */
function repeat(times, step) {
  for (let i = 0; i < times; i++) step()
}
