import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Program, runProgram } from './run-program.ts'
import { ROOT } from './snippets.ts'

const TOPIC = 'stat/demo/PersistMQTT'
const STARTED = /^Start number (\d+), (\d+) seconds counted so far\.$/m

interface Pool {
  starts: number
  seconds: number
  log: { starts: { at: string; pid: number }[] }
}

function startDemo(directory: string): Program {
  const env = { PERSIST_DATA: directory, PERSIST_PORT: '0', PERSIST_WS_PORT: '0', PERSIST_INSPECT_PORT: '0' }
  return runProgram(join(ROOT, 'bin/persist-mqtt.js'), ['demo'], directory, env)
}

/** What a demo says that it found when it started, and where its broker is. */
async function startOf(demo: Program): Promise<{ starts: number; seconds: number; url: string }> {
  const [, starts, seconds] = await demo.says(STARTED)
  const [url = ''] = await demo.says(/mqtt:\/\/127\.0\.0\.1:\d+/)
  await demo.says(/^Counting\. Press Ctrl-C/m)
  return { starts: Number(starts), seconds: Number(seconds), url }
}

async function poolAt(url: string): Promise<Pool> {
  return JSON.parse(String(await poolTextAt(url, TOPIC)))
}

test('every start counts one, whatever ended the one before, and the list has them all', {
  timeout: 60_000,
}, async () => {
  const directory = temporaryDirectory()
  const pids: number[] = []
  const signals = ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGINT'] as const
  // Twice round: more starts than the ten that the list keeps.
  for (const signal of [...signals, ...signals]) {
    const demo = startDemo(directory)
    pids.push(demo.pid)
    const { starts, url } = await startOf(demo)
    expect(starts).toBe(pids.length)
    const pool = await poolAt(url)
    expect(pool.starts).toBe(pids.length)
    expect(pool.log.starts.map(({ pid }) => pid)).toEqual(pids.slice(-10))
    expect(await demo.kill(signal)).toBe(signal === 'SIGKILL' ? signal : 0)
    expect(demo.stdout().includes('Stopped at')).toBe(signal !== 'SIGKILL')
    expect(demo.stderr()).toBe('')
  }
})

test('seconds go on where they were, after kill -9 and after Ctrl-C', { timeout: 60_000 }, async () => {
  const directory = temporaryDirectory()
  let before = 0
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGKILL'] as const) {
    const demo = startDemo(directory)
    const { url, seconds } = await startOf(demo)
    expect(seconds).toBe(before)
    const client = await connectClient(url)
    client.on('message', (_topic, payload) => {
      before = Math.max(before, JSON.parse(String(payload)).seconds)
    })
    await client.subscribeAsync(TOPIC, { qos: 1 })
    await waitFor(() => before > seconds, { what: 'the next second', limitMs: 10_000 })
    expect(await demo.kill(signal)).toBe(signal === 'SIGKILL' ? signal : 0)
    await client.endAsync(true)
  }
  expect(before).toBeGreaterThanOrEqual(3)
})

test('kill -9 at any moment loses no start that was told', { timeout: 60_000 }, async () => {
  const directory = temporaryDirectory()
  // Killed before it said so, a start may have been counted or not.
  let least = 0
  let most = 0
  let seconds = 0
  for (let round = 0; round < 10; round++) {
    const demo = startDemo(directory)
    const timer = setTimeout(() => void demo.kill('SIGKILL'), randomInt(1200))
    expect(await demo.ended()).toBe('SIGKILL')
    clearTimeout(timer)
    const told = STARTED.exec(demo.stdout())
    most += 1
    if (told === null) continue
    expect(Number(told[1])).toBeGreaterThan(least)
    expect(Number(told[1])).toBeLessThanOrEqual(most)
    expect(Number(told[2])).toBeGreaterThanOrEqual(seconds)
    least = most = Number(told[1])
    seconds = Number(told[2])
  }
  const last = startDemo(directory)
  const { starts, url } = await startOf(last)
  expect(starts).toBeGreaterThan(least)
  expect(starts).toBeLessThanOrEqual(most + 1)
  const pool = await poolAt(url)
  expect(pool.log.starts).toHaveLength(Math.min(10, starts))
})

test('a data directory that is in use is a clear message, and harms nothing', async () => {
  const directory = temporaryDirectory()
  const first = startDemo(directory)
  const { url } = await startOf(first)
  const second = startDemo(directory)
  expect(await second.ended()).toBe(1)
  expect(second.stdout()).toBe('')
  expect(second.stderr()).toBe(
    `persist-mqtt: The data directory ${directory} is in use by the process ${first.pid}. ` +
      'One broker only may use it: close the other, or choose another directory.\n',
  )
  expect((await poolAt(url)).starts).toBe(1)
})

test('as JSON, a line at the start and one at the end; a port that is none is told', async () => {
  const directory = temporaryDirectory()
  const bin = join(ROOT, 'bin/persist-mqtt.js')
  const ports = ['--port', '0', '--ws-port', '0', '--inspect-port', '0']
  const demo = runProgram(bin, ['demo', '--json', ...ports, '--data', 'kept'], directory)
  await demo.says(/\n/)
  expect(await demo.kill('SIGTERM')).toBe(0)
  const [start, end] = demo
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [url, webSocketUrl] = [expect.stringMatching(/^mqtt:/), expect.stringMatching(/^ws:/)]
  const inspector = expect.stringMatching(/^http:.*token=/)
  expect(start).toEqual({ starts: 1, seconds: 0, url, webSocketUrl, inspector, directory: 'kept' })
  expect(end).toEqual({ seconds: expect.any(Number) })
  const wrong = runProgram(bin, ['demo'], directory, { PERSIST_PORT: 'x', PERSIST_WS_PORT: '0' })
  expect(await wrong.ended()).toBe(2)
  expect(wrong.stderr()).toBe('persist-mqtt: PERSIST_PORT must be a port: a whole number from 0 to 65535.\n')
})

test('its inspector shows the pool, at another port where its own is taken', async () => {
  const taken = await listeningAt(0)
  const env = { PERSIST_DATA: 'kept', PERSIST_PORT: '0', PERSIST_WS_PORT: '0', PERSIST_INSPECT_PORT: String(taken) }
  const demo = runProgram(join(ROOT, 'bin/persist-mqtt.js'), ['demo'], temporaryDirectory(), env)
  const [address = ''] = await demo.says(/http:\S+/)
  const { origin } = new URL(address)
  expect(origin).not.toContain(`:${taken}`)
  const entered = await fetch(address, { redirect: 'manual' })
  const headers = { cookie: entered.headers.get('set-cookie')?.split(';')[0] ?? '' }
  const page = new URL(entered.headers.get('location') ?? '', origin)
  expect(await (await fetch(new URL('api/pools/demo', page), { headers })).json()).toMatchObject({
    pool: { owner: 'program' },
  })
  expect(await (await fetch(page, { headers })).text()).toContain('<div id="app">')
  expect(await demo.kill('SIGINT')).toBe(0)
})

/** A server that takes a port, until the test ends. */
async function listeningAt(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
