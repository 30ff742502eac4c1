import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { atExit } from '../helpers/at-exit.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import type { Sample } from '../helpers/leak-program.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** What a round may leave behind, in bytes: less than the smallest object. What is remembered up to a limit comes and goes. */
const ALLOWED = 8

/** Code that is compiled when it has run often enough would look like a leak; without that, all is the same to the byte. */
const FLAGS = [
  '--expose-gc',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--no-lazy-feedback-allocation',
  '--no-flush-bytecode',
]

let directory: string
beforeAll(async () => {
  directory = temporaryDirectory()
  const source = (path: string) => new URL(path, import.meta.url).pathname
  // Bundled, so that plain Node runs them without a build.
  await build({
    entryPoints: [
      source('../helpers/leak-program.ts'),
      ...['index', 'file', 'memory'].map((name) => source(`../../src/${name}.ts`)),
    ],
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    outdir: directory,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: 'error',
  })
})

/** Runs some thousand rounds in a process of its own; returns what it had left in between. */
async function samples(entry: string, what: string, rounds: number, url = '', plantedBytes = 0): Promise<Sample[]> {
  const program = [join(directory, 'leak-program.mjs'), join(directory, `${entry}.mjs`)]
  const args = [...FLAGS, ...program, what, String(rounds), url, String(plantedBytes)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  atExit(() => child.kill('SIGKILL'))
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8')) output += text
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Sample)
}

/**
 * Bytes per round that stay: the median of the slopes between all pairs of samples (Theil-Sen), which one sample at an
 * unlucky moment does not change. The first third is for caches to fill.
 */
function growth(all: readonly Sample[]): number {
  const used = all.slice(all.length / 3).map(({ rounds, heap, outside }) => ({ rounds, bytes: heap + outside }))
  const slopes = used.flatMap((one, index) =>
    used.slice(index + 1).map((later) => (later.bytes - one.bytes) / (later.rounds - one.rounds)),
  )
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)] as number
}

async function expectNoLeak(entry: string, what: string, rounds: number, url?: string): Promise<void> {
  const all = await samples(entry, what, rounds, url)
  expect(all).toHaveLength(9)
  expect(growth(all), JSON.stringify(all)).toBeLessThan(ALLOWED)
  // Fewer is no leak: a timer of Node's own may have run out meanwhile.
  const first = all[0]?.handles ?? {}
  const more = Object.entries(all.at(-1)?.handles ?? {}).filter(([kind, count]) => count > (first[kind] ?? 0))
  expect(more).toEqual([])
}

const limit = { timeout: 240_000 }

describe('nothing is left behind', limit, () => {
  test.each([
    ['memory', 'cycles', 1000],
    ['file', 'cycles', 1000],
    ['file', 'cycles journal', 1000],
    ['memory', 'saves awaited', 300_000],
    ['memory', 'saves unawaited', 700_000],
  ])('%s: %s (%d)', (entry, what, rounds) => expectNoLeak(entry, what, rounds))
})

describe.skipIf(!mosquittoAvailable)('nothing is left behind at Mosquitto', limit, () => {
  test.each([
    ['cycles', 1000],
    ['saves awaited', 20_000],
    ['saves unawaited', 20_000],
  ])('%s (%d)', async (what, rounds) => {
    // Without it each first save waits 40 ms twice, for the acknowledgement of a packet that was sent before.
    const broker = await startMosquitto({ config: ['set_tcp_nodelay true'] })
    onTestFinished(() => broker.stop())
    await expectNoLeak('index', what, rounds, broker.url)
  })
})

test('what is left behind is found', limit, async () => {
  expect(growth(await samples('memory', 'cycles', 1000, '', 100))).toBeGreaterThan(ALLOWED)
})
