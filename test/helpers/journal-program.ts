// A program of its own, to be killed: journal-program <journal> <url> <pool> <manner>. It says what it does, a line each.
import process from 'node:process'
import { type LooseStore, openStore } from '../../src/index.ts'

const [journal = '', url = '', name = '', manner = ''] = process.argv.slice(2)
const say = (what: string) => void process.stdout.write(`${what}\n`)

/** How the last program ended, and whether it left something. */
function lastExitOf({ $status }: LooseStore): string {
  if ($status.state !== 'ready') return $status.state
  return `${$status.lastExit ?? 'first'} ${$status.unsaved ? 'unsaved' : 'saved'}`
}

/** Saves once, and stays. */
async function once(): Promise<void> {
  const pt = await openStore({ journal, url, name })
  pt.$on('error', ({ code }) => say(code))
  say(`open ${lastExitOf(pt)} ${JSON.stringify(pt)}`)
  process.stdin.on('data', (data) => {
    pt.n = Number(data)
    pt.list = [pt.n, { deep: pt.n }]
    pt.save().then(
      () => say(`confirmed ${pt.n}`),
      () => {},
    )
  })
}

/** Counts and saves without end; every value that is confirmed is said. */
async function loop(): Promise<void> {
  const pt = await openStore({ journal, url, name })
  say(`open ${lastExitOf(pt)} ${pt.find('n', 0)}`)
  for (let n = pt.find('n', 0) + 1; ; n++) {
    pt.n = n
    pt.twice = 2 * n
    await pt.save()
    say(`confirmed ${n}`)
  }
}

void (manner === 'loop' ? loop() : once()).catch((error) => say(error.code))
