import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import { decodePayload } from '../../src/format/payload.ts'
import { openStore } from '../../src/memory.ts'
import { startAedes } from '../helpers/aedes.ts'
import { atExit } from '../helpers/at-exit.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'

const TOPIC = 'stat/huge/PersistMQTT'
const MEBIBYTE = 2 ** 20

/** A pool, as JSON goes; no brackets in it that a reader would stop at. */
const HUGE = Buffer.from(`{"huge":"${'x'.repeat(64 * MEBIBYTE)}"}`)
const DEEP = Buffer.from(`{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)

let program: string
beforeAll(async () => {
  program = join(temporaryDirectory(), 'huge-program.mjs')
  await build({
    entryPoints: [new URL('../helpers/huge-program.ts', import.meta.url).pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: 'error',
  })
})

type Told = { [fact: string]: unknown } & { peakBytes: number }

/** Runs the program with little memory for objects and strings; what it is told is what it has printed so far. */
function start(...args: string[]): { child: ChildProcess; told: Told[]; wait(fact: string): Promise<Told> } {
  const child = spawn(process.execPath, ['--max-old-space-size=48', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  atExit(() => child.kill('SIGKILL'))
  onTestFinished(() => void child.kill('SIGKILL'))
  const told: Told[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    told.push(...lines.map((line) => JSON.parse(line) as Told))
  })
  const wait = (fact: string) =>
    waitFor(() => told.find((facts) => fact in facts), { what: `'${fact}'`, limitMs: 60_000 })
  return { child, told, wait }
}

const brokers = [
  { name: 'Mosquitto, MQTT 5', runs: mosquittoAvailable, version: 5, start: () => startMosquitto(), huge: true },
  { name: 'Mosquitto, MQTT 3.1.1', runs: mosquittoAvailable, version: 4, start: () => startMosquitto(), huge: true },
  { name: 'Aedes', runs: true, version: 4, start: () => startAedes(), huge: true },
  { name: 'the embedded broker', runs: true, version: 4, start: () => startEmbedded(), huge: true },
  // Its limit is 1 MB.
  { name: 'NATS', runs: natsAvailable, version: 4, start: () => startNats(), huge: false },
]

async function startEmbedded() {
  const limits = { maxPacketBytes: 2 * HUGE.length, maxQueueBytes: 4 * HUGE.length }
  const broker = await startBroker({ port: 0, webSocketPort: 0, directory: temporaryDirectory(), ...limits })
  return { url: broker.url, stop: () => broker.close() }
}

const limit = { timeout: 180_000 }

for (const { name, runs, version, start: startOne, huge } of brokers) {
  describe.skipIf(!runs)(`at ${name}`, limit, () => {
    const kinds = [
      { what: 'a pool of 64 MB', bytes: HUGE, code: 'ERR_PERSIST_TOO_LARGE', runs: huge },
      { what: 'a pool nested 100,000 deep', bytes: DEEP, code: 'ERR_PERSIST_BAD_PAYLOAD', runs: true },
    ].filter((kind) => kind.runs)

    test.each(kinds)('$what is not opened and not touched, and zero(true) replaces it', async ({ bytes, code }) => {
      const broker = await startOne()
      onTestFinished(() => broker.stop())
      const client = await connectClient(broker.url)
      await client.publishAsync(TOPIC, bytes, { qos: 1, retain: true })
      const { child, wait } = start(broker.url, String(version), 'open')
      expect(await wait('refused')).toMatchObject({ refused: { code } })
      expect((await retainedAt(broker.url, TOPIC))?.payload).toSatisfy((kept: Buffer) => kept.equals(bytes))
      child.stdin?.write('go on\n')
      const { peakBytes } = await wait('done')
      // It comes in pieces, is put together, and is copied once; each of the two stores that look at it lets go of it.
      expect(peakBytes).toBeLessThan(100 * MEBIBYTE + 4 * bytes.length)
      expect(await poolTextAt(broker.url, TOPIC)).toBe('{"mine":1}')
    })

    test.each(kinds)('$what over a live pool is an error, and healed', async ({ bytes, code }) => {
      const broker = await startOne()
      onTestFinished(() => broker.stop())
      const client = await connectClient(broker.url)
      const { child, wait } = start(broker.url, String(version), 'live')
      await wait('ready')
      await client.publishAsync(TOPIC, bytes, { qos: 1, retain: true })
      expect(await wait('error')).toMatchObject({ error: { code } })
      expect(await wait('heal')).toMatchObject({ heal: { reason: 'overwritten' } })
      expect(await poolTextAt(broker.url, TOPIC)).toBe('{"mine":1}')
      child.stdin?.write('go on\n')
      const { peakBytes } = await wait('done')
      expect(peakBytes).toBeLessThan(100 * MEBIBYTE + 4 * bytes.length)
      expect(await poolTextAt(broker.url, TOPIC)).toBe('{"mine":2}')
    })
  })
}

describe('the limit', () => {
  const text = `{"text":"${'x'.repeat(17 * MEBIBYTE)}"}`

  test('16 MiB is the limit for what is read and what is saved; maxBytes raises it', async () => {
    const backend = new HeldBackend(text)
    const opening = backend.openers.openStore({ name: 'any', saveOnExit: false })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_PERSIST_TOO_LARGE',
      sizeBytes: text.length,
      limitBytes: 16 * MEBIBYTE,
      message: expect.stringContaining('maxBytes'),
    })
    expect(backend.writes).toEqual([])
    const pt = await backend.openers.openStore({ name: 'any', saveOnExit: false, maxBytes: 20 * MEBIBYTE })
    pt.more = 1
    await pt.save()
    await pt.$close()

    const small = await openStore({ name: 'any', saveOnExit: false })
    small.text = 'x'.repeat(17 * MEBIBYTE)
    small.$on('error', () => {})
    await expect(small.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', limitBytes: 16 * MEBIBYTE })
    delete small.text
    await small.$close()
  })

  test('a maxBytes below the size of what is there lets it be read, and made smaller', async () => {
    const backend = new HeldBackend(`{"text":"${'x'.repeat(2000)}"}`)
    const pt = await backend.openers.openStore({ name: 'any', saveOnExit: false, maxBytes: 1000 })
    pt.$on('error', () => {})
    pt.more = 1
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', limitBytes: 1000 })
    pt.text = ''
    await pt.save()
    expect(backend.text).toBe('{"text":"","more":1}')
    await pt.$close()
  })
})

test('what is no JSON costs time in proportion to its size, and no memory for its depth', () => {
  const texts = [
    '{"a":',
    `{${'"",'.repeat(2_000_000)}`,
    `{"a":${'['.repeat(8_000_000)}`,
    `{"${'\\'.repeat(4_000_000)}`,
    `{${'"a":'.repeat(1_000_000)}`,
    '"\\"'.repeat(1_000_000),
    `{${':'.repeat(4_000_000)}`,
  ]
  const before = process.resourceUsage().maxRSS
  for (const text of texts) {
    expect(() => decodePayload(bytesOf(text), 'any')).toThrow(
      expect.objectContaining({ code: 'ERR_PERSIST_BAD_PAYLOAD' }),
    )
  }
  expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(200 * MEBIBYTE)
})
