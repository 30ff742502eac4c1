// @ts-check
import { getVersion, proxy } from 'valtio/vanilla'
import { heldPool, storeOf, unsaved } from './memory-store.js'
import { digits, duration, interleaved } from './rounds.js'

const pool = () => ({ counter: 1, limits: { day: { from: 7, to: 22 } }, tones: [600, 700, 800], note: 'x' })
const TIMES = 200_000
const ROUNDS = 15

/** What a program pays for its variables being watched. @returns {Promise<import('./report.js').Section>} */
export async function nestedWrite() {
  const pt = await storeOf(await heldPool(pool()))
  const state = proxy(pool())
  const plain = pool()
  let text = JSON.stringify(plain)
  let sum = 0
  let changes = 0

  const t = await interleaved(
    {
      'write persist-mqtt': loop((i) => {
        pt.limits.day.from = i
      }),
      'write valtio': loop((i) => {
        state.limits.day.from = i
      }),
      'write plain': loop((i) => {
        plain.limits.day.from = i
      }),
      'top persist-mqtt': loop((i) => {
        pt.counter = i
      }),
      'top valtio': loop((i) => {
        state.counter = i
      }),
      'top plain': loop((i) => {
        plain.counter = i
      }),
      'read persist-mqtt': loop(() => {
        sum += pt.counter
      }),
      'read valtio': loop(() => {
        sum += state.counter
      }),
      'read plain': loop(() => {
        sum += plain.counter
      }),
      'deep persist-mqtt': loop(() => {
        sum += pt.limits.day.from
      }),
      'deep valtio': loop(() => {
        sum += state.limits.day.from
      }),
      'deep plain': loop(() => {
        sum += plain.limits.day.from
      }),
      'check persist-mqtt': loop((i) => {
        pt.limits.day.from = i
        if (unsaved(pt)) changes++
      }, TIMES / 10),
      'check valtio': loop((i) => {
        state.limits.day.from = i
        if (getVersion(state) !== undefined) changes++
      }, TIMES / 10),
      'check plain': loop((i) => {
        plain.limits.day.from = i
        const now = JSON.stringify(plain)
        if (now !== text) changes++
        text = now
      }, TIMES / 10),
    },
    ROUNDS,
  )
  await pt.$close()
  if (sum === 0 || changes === 0) throw new Error('The loops did nothing')

  const row = (/** @type {string} */ what, /** @type {string} */ kind) => [
    what,
    `${digits(t.ratio(`${kind} persist-mqtt`, `${kind} valtio`))}`,
    ...['persist-mqtt', 'valtio', 'plain'].map((who) => duration(t.median(`${kind} ${who}`))),
  ]
  return {
    title: 'Writing and reading variables',
    text: 'A pool of seven values; nobody listens. The change is noted for the next save. The last line makes a change and asks whether there is one: `$status.unsaved`, `getVersion(state)`, and `JSON.stringify(object)` compared with the text before.',
    head: ['', 'persist-mqtt ÷ valtio', 'persist-mqtt', 'valtio', 'plain object'],
    rows: [
      row('`pt.limits.day.from = i`', 'write'),
      row('`pt.counter = i`', 'top'),
      row('read `pt.counter`', 'read'),
      row('read `pt.limits.day.from`', 'deep'),
      row('`pt.limits.day.from = i`, and is there a change?', 'check'),
    ],
    targets: [
      { what: 'A nested write ÷ valtio’s', most: 0.4, is: t.ratio('write persist-mqtt', 'write valtio') },
      { what: 'Reading a top-level number ÷ valtio’s', most: 1.2, is: t.ratio('read persist-mqtt', 'read valtio') },
    ],
  }
}

/** @param {(i: number) => void} step @param {number} [times] */
function loop(step, times = TIMES) {
  let i = 0
  return {
    times,
    run(/** @type {number} */ count) {
      // Counted on from round to round: a value that is already there would be no change.
      for (const end = i + count; i < end; i++) step(i)
    },
  }
}
