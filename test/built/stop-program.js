// @ts-check
// A program with stores that are changed and not saved; the test stops it in one way or another.
// Arguments: the broker's url, and what it does besides.
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import { openStore } from 'persist-mqtt'

const [url, ...manners] = process.argv.slice(2)
const does = (/** @type {string} */ manner) => manners.includes(manner)

if (does('own-listener')) {
  process.on('SIGTERM', () => {
    console.log('own listener ran')
    if (does('and-exits')) setTimeout(() => process.exit(7), 300)
  })
}

/** @type {import('persist-mqtt').Backend} */
const silent = {
  place: 'a backend that never answers a write',
  open: async () => ({ bytes: null, proof: 'exact' }),
  write: () => new Promise(() => {}),
  keepCopy: async () => {},
  close: async () => {},
}
if (does('silent-store')) {
  const never = await openStore({ backend: silent })
  never.n = 1
}

if (does('write-on')) {
  const slow = await openStore({
    backend: {
      ...silent,
      write: async () => {
        await wait(300)
        console.log('the slow backend holds it')
        return 'written'
      },
    },
  })
  slow.n = 1
  const quick = await openStore({ backend: { ...silent, write: async () => 'written' } })
  quick.n = 0
  setInterval(async () => {
    quick.n += 1
    await quick.save()
  }, 5)
}

if (does('in-worker') && isMainThread) {
  new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
} else if (does('using')) {
  const pt = await openStore({ url, name: 'first' })
  pt.n = pt.find('n', 0) + 1
  await pt[Symbol.asyncDispose]()
} else {
  for (const name of ['first', 'second', 'third']) {
    const pt = await openStore({ url, name, saveOnExit: !does('unsaved') })
    pt.n = pt.find('n', 0) + 1
  }
}

if (isMainThread !== does('in-worker')) console.log('changed')
if (!does('end')) setInterval(() => {}, 1000)
if (does('listen'))
  (await openStore({ url, name: 'first' })).$on('change', ({ value }) => console.log(`heard ${value}`))
