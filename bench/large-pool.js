// @ts-check
import { proxy, snapshot } from 'valtio/vanilla'
import { megabytes, memoryTakenBy } from './heap.js'
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
  const targets = { opening: targetList(), changing: targetList() }
  for (const [what, pool, most, change] of /** @type {const} */ ([
    [
      '1,000 variables with 100 values each',
      nestedPool(),
      { opening: 3, heap: 1.6 },
      (/** @type {any} */ root, /** @type {number} */ i) => {
        root.v5.v5.v5 = i
      },
    ],
    [
      '100,000 variables',
      flatPool(),
      { opening: 2.2, heap: 1.3, changing: 0.1 },
      (/** @type {any} */ root, /** @type {number} */ i) => {
        root.v5 = i
      },
    ],
  ])) {
    const text = JSON.stringify(pool)
    const name = await heldPool(pool)
    const memory = {
      plain: await memoryTakenBy(() => JSON.parse(text)),
      store: await memoryTakenBy(() => opened(name)),
      valtio: await memoryTakenBy(() => proxy(JSON.parse(text))),
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
    opening.push([
      what,
      digits(open.ratio('store', 'plain')),
      digits(open.ratio('valtio', 'plain')),
      ...['store', 'valtio', 'plain'].map((who) => duration(open.median(who))),
      megabytes(memory.store.heap),
      megabytes(memory.store.buffers),
      megabytes(memory.valtio.heap),
      megabytes(memory.plain.heap),
    ])

    targets.opening.push(
      { what: `Opening ${what} ÷ \`JSON.parse\``, most: most.opening, is: open.ratio('store', 'plain') },
      { what: `The heap of ${what} ÷ a plain object’s`, most: most.heap, is: memory.store.heap / memory.plain.heap },
    )

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
    const toJson = changed.ratio('save', 'json')
    if ('changing' in most) {
      targets.changing.push({ what: `A save of one of ${what} ÷ \`JSON.stringify\``, most: most.changing, is: toJson })
    }
    changing.push([
      what,
      digits(toJson),
      ...['unsaved', 'save', 'json', 'snapshot', 'valtio snapshot'].map((name) => duration(changed.median(name))),
    ])
  }
  return [
    {
      title: 'Opening and holding a large pool',
      text: '100,000 values from bytes that are at hand (in memory). A store also keeps the text of every variable.',
      head: [
        'pool',
        'store ÷ `JSON.parse`',
        'valtio ÷ `JSON.parse`',
        'store',
        '`proxy(JSON.parse(text))`',
        '`JSON.parse(text)`',
        'heap: store',
        'store, beside the heap',
        'heap: valtio',
        'heap: plain',
      ],
      rows: opening,
      targets: targets.opening,
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
      targets: targets.changing,
    },
  ]
}

/** @returns {import('./report.js').Target[]} */
const targetList = () => []

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
