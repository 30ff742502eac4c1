import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { atExit } from '../../helpers/at-exit.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { journalPath, waitForNotes } from '../../helpers/journaled-store.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor, within } from '../../helpers/wait.ts'
import { namesIn } from './fixture.ts'

let program: string
beforeAll(async () => {
  program = join(temporaryDirectory(), 'journal-program.cjs')
  const entry = new URL('../../helpers/journal-program.ts', import.meta.url).pathname
  // Bundled, so that plain Node runs it without a build.
  const common = { bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' } as const
  await build({ ...common, entryPoints: [entry], outfile: program })
})

interface Running {
  readonly child: ChildProcess
  lines(): string[]
  /** The first line that begins so. */
  says(start: string): Promise<string>
  kill(signal: NodeJS.Signals): Promise<void>
}

function start(...args: string[]): Running {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  atExit(() => child.kill('SIGKILL'))
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = once(child, 'close')
  // A line that was cut off is none.
  const lines = () => output.split('\n').slice(0, -1)
  return {
    child,
    lines,
    says: (begin) =>
      waitFor(() => lines().find((line) => line.startsWith(begin)), { what: `'${begin}'`, limitMs: 15_000 }),
    kill: async (signal) => {
      child.kill(signal)
      await within(ended, { what: 'the end of the program', limitMs: 15_000 })
    },
  }
}

const topic = 'stat/garage/PersistMQTT'

describe.skipIf(!mosquittoAvailable)('at a Mosquitto behind a link that is frozen', () => {
  async function frozen() {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const proxy = await startDelayProxy({ target: broker.url })
    onTestFinished(() => proxy.close())
    const journal = journalPath()
    const held = async () => JSON.parse((await poolTextAt(broker.url, topic)) ?? 'null')
    const first = start(journal, proxy.url, 'garage', 'once')
    await first.says('open first')
    first.child.stdin?.write('1')
    await first.says('confirmed 1')
    await waitForNotes(journal, {})
    proxy.freeze()
    first.child.stdin?.write('2')
    await waitForNotes(journal, { n: '2', list: '[2,{"deep":2}]' })
    return { broker, journal, held, first, proxy }
  }

  test('a program that is killed while it saves goes on with what it saved', async () => {
    const { broker, journal, held, first } = await frozen()
    await first.kill('SIGKILL')
    expect(await held()).toEqual({ n: 1, list: [1, { deep: 1 }] })
    const second = start(journal, broker.url, 'garage', 'once')
    expect(await second.says('open')).toBe('open crash unsaved {"n":2,"list":[2,{"deep":2}]}')
    await waitFor(async () => (await held())?.n === 2, { what: 'the pool to get there' })
    await waitForNotes(journal, {})
    await second.kill('SIGTERM')
    const third = start(journal, broker.url, 'garage', 'once')
    expect(await third.says('open')).toBe('open clean saved {"n":2,"list":[2,{"deep":2}]}')
  })

  test('a program that is told to stop and cannot save leaves what it has to the next', async () => {
    const { broker, journal, held, first } = await frozen()
    await first.kill('SIGTERM')
    expect(first.child.signalCode).toBe('SIGTERM')
    const second = start(journal, broker.url, 'garage', 'once')
    expect(await second.says('open')).toBe('open clean unsaved {"n":2,"list":[2,{"deep":2}]}')
    await waitFor(async () => (await held())?.n === 2, { what: 'the pool to get there' })
    // Nothing is left of the file that takes the journal's place.
    await waitForNotes(journal, {})
    const names = ['garage.journal', 'garage.journal.lock']
    await waitFor(async () => `${await namesIn(dirname(journal))}` === `${names}`, { what: `only ${names}` })
  })

  test('what somebody else changed meanwhile is kept beside what the journal has', async () => {
    const { broker, journal, held, first } = await frozen()
    await first.kill('SIGKILL')
    const client = await connectClient(broker.url)
    await client.publishAsync(topic, '{"n":9,"list":[1,{"deep":1}],"theirs":true}', { retain: true, qos: 1 })
    const second = start(journal, broker.url, 'garage', 'once')
    expect(JSON.parse((await second.says('open')).replace('open crash unsaved ', ''))).toEqual({
      n: 2,
      list: [2, { deep: 2 }],
      theirs: true,
    })
    await waitFor(async () => (await held())?.n === 2, { what: 'the merge to get there' })
    expect(await held()).toMatchObject({ theirs: true })
  })

  test('a second program with the same journal is refused, and does not disturb the first', async () => {
    const { broker, journal, first, proxy } = await frozen()
    const second = start(journal, broker.url, 'garage', 'once')
    await second.says('ERR_PERSIST_LOCKED')
    proxy.thaw()
    await first.says('confirmed 2')
  })
})

test.skipIf(!mosquittoAvailable)(
  'what a script read before a program was killed undoes no save of that program when it runs again',
  async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const journal = journalPath()
    const first = start(journal, broker.url, 'garage', 'once')
    await first.says('open first')
    first.child.stdin?.write('1')
    await first.says('confirmed 1')
    const read = JSON.parse(`${(await retainedAt(broker.url, topic))?.payload}`)
    first.child.stdin?.write('2')
    await first.says('confirmed 2')
    await first.kill('SIGKILL')
    const second = start(journal, broker.url, 'garage', 'once')
    expect(await second.says('open')).toBe('open crash saved {"n":2,"list":[2,{"deep":2}]}')
    const client = await connectClient(broker.url)
    await client.publishAsync(topic, JSON.stringify({ ...read, theirs: true }), { retain: true, qos: 1 })
    const held = async () => JSON.parse((await poolTextAt(broker.url, topic)) ?? 'null')
    await waitFor(async () => (await held()).n === 2, { what: 'the owner to write its own again' })
    expect(await held()).toEqual({ n: 2, list: [2, { deep: 2 }], theirs: true })
  },
)

const ROUNDS = 12

test.skipIf(!mosquittoAvailable)(
  'killed at any moment, a program goes on with at least what was confirmed',
  async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const journal = journalPath()
    let least = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const running = start(journal, broker.url, 'garage', 'loop')
      const [, lastExit, , begin] = (await running.says('open')).split(' ')
      expect(lastExit).toBe(round === 1 ? 'first' : 'crash')
      // One more than was said may have been saved: it comes back from the journal or from the broker.
      expect([least, least + 1]).toContain(Number(begin))
      // Another number of saves each time, so that the kill meets another moment of the next one.
      await waitFor(() => running.lines().length > round, { what: `${round} saves`, limitMs: 15_000 })
      await running.kill('SIGKILL')
      least = Number(running.lines().at(-1)?.replace('confirmed ', ''))
      const pool = JSON.parse((await poolTextAt(broker.url, topic)) ?? '{}')
      expect(pool.twice).toBe(2 * pool.n)
    }
  },
)
