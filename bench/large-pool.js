// @ts-check
import { proxy, snapshot } from 'valtio/vanilla'
import { heapTakenBy, megabytes } from './heap.js'
import { heldPool, storeOf, unsaved } from './memory-store.js'
import { flatPool, nestedPool } from './pools.js'
import { digits, duration, interleaved } from './rounds.js'

const ROUNDS = 9

/** What a large pool costs to open, to hold and to change. @returns {Promise<import('./report.js').Section[]>} */
export async function largePool() {
  /** @type {string[][]} */
  const opening = []
  /** @type {string[][]} */
  const changing = []
  /** @type {import('./report.js').Target[]} */
  const targets = []
  for (const [what, pool, most, change] of /** @type {const} */ ([
    [
      '1,000 variables with 100 values each',
      nestedPool(),
      { open: 3, heap: 1.6, save: undefined },
      (/** @type {any} */ root, /** @type {number} */ i) => {
        root.v5.v5.v5 = i
      },
    ],
    [
      '100,000 variables',
      flatPool(),
      { open: 2.2, heap: 1.3, save: 0.1 },
      (/** @type {any} */ root, /** @type {number} */ i) => {
        root.v5 = i
      },
    ],
  ])) {
    const text = JSON.stringify(pool)
    const name = await heldPool(pool)
    const heap = {
      plain: await heapTakenBy(() => JSON.parse(text)),
      store: await heapTakenBy(() => opened(name)),
      valtio: await heapTakenBy(() => proxy(JSON.parse(text))),
    }
    await closeAll()
    const open = await interleaved(
      {
        plain: { times: 1, run: () => JSON.parse(text) },
        store: { times: 1, run: () => opened(name) },
        valtio: { times: 1, run: () => proxy(JSON.parse(text)) },
      },
      ROUNDS,
    )
    targets.push(
      { what: `Opening ${what} ÷ \`JSON.parse\``, most: most.open, is: open.ratio('store', 'plain') },
      { what: `Heap of ${what} ÷ that of a plain object`, most: most.heap, is: heap.store / heap.plain },
    )
    opening.push([
      what,
      digits(open.ratio('store', 'plain')),
      digits(open.ratio('valtio', 'plain')),
      ...['store', 'valtio', 'plain'].map((who) => duration(open.median(who))),
      megabytes(heap.store),
      megabytes(heap.valtio),
      megabytes(heap.plain),
    ])

    await closeAll()
    const pt = await storeOf(name)
    const state = proxy(JSON.parse(text))
    const plain = JSON.parse(text)
    snapshot(state)
    pt.$snapshot()
    let i = 1_000_000
    const changed = await interleaved(
      {
        unsaved: {
          times: 20,
          run: (times) =>
            repeat(times, () => {
              change(pt, i++)
              return unsaved(pt)
            }),
        },
        snapshot: {
          times: 5,
          run: (times) =>
            repeat(times, () => {
              change(pt, i++)
              return pt.$snapshot()
            }),
        },
        'valtio snapshot': {
          times: 5,
          run: (times) =>
            repeat(times, () => {
              change(state, i++)
              return snapshot(state)
            }),
        },
        save: {
          times: 5,
          run: async (times) => {
            for (let n = 0; n < times; n++) {
              change(pt, i++)
              await pt.save()
            }
          },
        },
        json: {
          times: 5,
          run: (times) =>
            repeat(times, () => {
              change(plain, i++)
              return new TextEncoder().encode(JSON.stringify(plain))
            }),
        },
      },
      ROUNDS,
    )
    await pt.$close()
    if (most.save !== undefined) {
      targets.push({
        what: `Saving one of ${what} ÷ \`JSON.stringify\``,
        most: most.save,
        is: changed.ratio('save', 'json'),
      })
    }
    changing.push([
      what,
      digits(changed.ratio('save', 'json')),
      ...['unsaved', 'save', 'json', 'snapshot', 'valtio snapshot'].map((name) => duration(changed.median(name))),
    ])
  }
  return [
    {
      title: 'Opening and holding a large pool',
      text: '100,000 values from bytes that are at hand (in memory). A store also keeps the payload, outside of the heap.',
      head: [
        'pool',
        'store ÷ `JSON.parse`',
        'valtio ÷ `JSON.parse`',
        'store',
        '`proxy(JSON.parse(text))`',
        '`JSON.parse(text)`',
        'heap: store',
        'heap: valtio',
        'heap: plain',
      ],
      rows: opening,
      targets: [],
    },
    {
      title: 'Changing one value in a large pool',
      text: 'After one change: is there something to save (`$status.unsaved`: the JSON text of the one variable is made and compared), a save to memory, the whole pool as `JSON.stringify` and bytes, and a frozen snapshot.',
      head: [
        'pool',
        'save ÷ `JSON.stringify`',
        '`$status.unsaved`',
        '`await save()`',
        '`JSON.stringify`, as bytes',
        '`$snapshot()`',
        'valtio `snapshot`',
      ],
      rows: changing,
      targets,
    },
  ]
}

/** @type {import('persist-mqtt').Store[]} */
const stores = []

/** @param {string} name */
async function opened(name) {
  const pt = await storeOf(name)
  stores.push(pt)
  return pt
}

/** Stores of one name would tell each other of their saves. */
async function closeAll() {
  for (const pt of stores.splice(0)) await pt.$close()
}

/** @param {number} times @param {() => unknown} step */
function repeat(times, step) {
  for (let i = 0; i < times; i++) step()
}
