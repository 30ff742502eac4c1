// A program that changes a store in a file and is then stopped: exit-program <path> <manner>…
import { onExit } from 'signal-exit'
import { createStore, openStore } from '../../src/file.ts'
import { openStore as openAtBroker } from '../../src/index.ts'

const [path = '', ...manners] = process.argv.slice(2)

function listener(name: string): () => void {
  return () => {
    process.stdout.write(`${name} ran\n`)
    setTimeout(() => {
      process.stdout.write(`${name} done\n`)
      process.exit(7)
    }, 200)
  }
}

async function run(): Promise<void> {
  if (manners.includes('signal-exit')) onExit(() => void process.stdout.write('signal-exit ran\n'))
  if (manners.includes('once-before')) process.once('SIGTERM', listener('once-before'))
  const pt = await openStore({ file: path, name: 'stopped', maxBytes: 100 })
  if (manners.includes('once-after')) process.once('SIGTERM', listener('once-after'))
  pt.n = pt.find('n', 0) + 1
  if (manners.includes('close')) await pt.$close()
  if (manners.includes('too-large')) pt.text = 'x'.repeat(100)
  if (manners.includes('code')) process.exitCode = 3
  process.stdout.write('changed\n')
  if (!manners.includes('end')) setInterval(() => {}, 1000)
}

/** Listens before the store is open, and has nothing else to do. */
function listen(): void {
  const pt = createStore({ file: path, name: 'stopped' })
  pt.$on('change', () => {})
  pt.$on('status', () => void setTimeout(() => process.stdout.write('goes on\n'), 300).unref())
}

/** Changes its store when the broker is gone. */
async function loseBroker(): Promise<void> {
  const pt = await openAtBroker({ url: path, name: 'stopped' })
  pt.$on('status', ({ state }) => {
    if (state !== 'offline' || 'n' in pt) return
    pt.n = 1
    process.stdout.write('changed\n')
  })
  process.stdout.write('open\n')
  setInterval(() => {}, 1000)
}

if (manners.includes('listen')) listen()
else if (manners.includes('broker')) void loseBroker()
else void run()
