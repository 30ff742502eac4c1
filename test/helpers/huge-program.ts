import { readFileSync } from 'node:fs'
import { createStore, openStore } from '../../src/index.ts'

// Opens a pool, or keeps one, where somebody puts something huge; tells what became of it, and of the memory.
const [url = '', protocolVersion = '5', what = ''] = process.argv.slice(2)
const options = { url, name: 'huge', protocolVersion: Number(protocolVersion) as 4 | 5, openTimeoutMs: 60_000 }
const tell = (facts: object) => console.log(JSON.stringify({ ...facts, peakBytes: peakBytes() }))
const facts = ({ code, sizeBytes, limitBytes }: { code?: string; sizeBytes?: number; limitBytes?: number }) => ({
  code,
  sizeBytes,
  limitBytes,
})

/** The most memory that this process has had. Not resourceUsage(), which begins with what its parent had. */
function peakBytes(): number {
  if (process.platform !== 'linux') return process.memoryUsage().rss
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

/** Opens what is kept there, which fails, and leaves it alone; then, told so, begins anew. */
async function open(): Promise<void> {
  const refused = await openStore(options).catch((error) => facts(error))
  const pt = createStore(options)
  await new Promise<void>((resolve) => pt.$on('status', ({ state }) => state === 'waiting' && resolve()))
  tell({ refused: 'code' in refused && refused })
  await new Promise((resolve) => process.stdin.once('data', resolve))
  await pt.zero(true)
  pt.mine = 1
  await pt.$close()
  tell({ done: true })
}

/** Keeps a pool while others write. */
async function live(): Promise<void> {
  const pt = await openStore(options)
  pt.$on('error', (error) => tell({ error: facts(error) }))
  pt.$on('heal', (heal) => tell({ heal }))
  pt.mine = 1
  await pt.save()
  tell({ ready: true })
  await new Promise((resolve) => process.stdin.once('data', resolve))
  pt.mine = 2
  await pt.save()
  await pt.$close()
  tell({ done: true })
}

await (what === 'open' ? open() : live()).finally(() => process.stdin.destroy())
