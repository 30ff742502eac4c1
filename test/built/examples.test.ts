import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type AedesServer, startAedes } from '../helpers/aedes.ts'
import { chromiumAvailable, programs } from '../helpers/available.ts'
import { withoutRevision } from '../helpers/bytes.ts'
import { connectClient, poolTextAt, retainedAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { outputOf, runProgram } from './run-program.ts'
import { ROOT } from './snippets.ts'

const example = (name: string) => join(ROOT, 'examples', name)

async function startBroker(): Promise<AedesServer> {
  const started = await startAedes()
  onTestFinished(() => started.stop())
  return started
}

test('counter.js goes on counting', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  for (const count of [1, 2, 3]) {
    expect(await outputOf(example('counter.js'), [], '.', env)).toBe(`Started ${count} times.\n`)
  }
})

test('settings.js has its defaults, and keeps what is set though it never calls save()', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  const run = async (...args: string[]) => JSON.parse(await outputOf(example('settings.js'), args, '.', env))
  const defaults = { volume: 5, wake: { hour: 7, days: ['Mon', 'Tue'] } }
  expect(await run()).toEqual(defaults)
  expect(await run('volume', '8')).toEqual({ ...defaults, volume: 8 })
  expect(await run('wake', '{"hour":6,"days":[]}')).toEqual({ volume: 8, wake: { hour: 6, days: [] } })
  expect(await run()).toEqual({ volume: 8, wake: { hour: 6, days: [] } })
})

test('live.js shows what counter.js changes', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  await outputOf(example('counter.js'), [], '.', env)
  const live = runProgram(example('live.js'), [], '.', env)
  await live.says(/^example-counter is {"counter":1}$/m)
  await outputOf(example('counter.js'), [], '.', env)
  await live.says(/^counter: 1 → 2 \(remote\)$/m)
  expect(await live.kill('SIGINT')).toBe('SIGINT')
})

test('file.js counts in a file', async () => {
  const directory = temporaryDirectory()
  await outputOf(example('file.js'), [], directory)
  expect(await outputOf(example('file.js'), [], directory)).toBe('Started 2 times.\n')
  expect(JSON.parse(withoutRevision(readFileSync(join(directory, 'example-counter.json'), 'utf8')))).toEqual({
    counter: 2,
  })
})

test('keyv.js asks once, and is told the same again', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  const first = await outputOf(example('keyv.js'), ['Rome'], '.', env)
  expect(first).toMatch(/^Rome: \d+ °C\n$/)
  expect(await outputOf(example('keyv.js'), ['Rome'], '.', env)).toBe(first.replace('\n', ' (kept)\n'))
})

test('unstorage.js keeps notes', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  await outputOf(example('unstorage.js'), ['milk', 'two', 'bottles'], '.', env)
  const both = 'milk: two bottles\nsave: the date\n'
  expect(await outputOf(example('unstorage.js'), ['save', 'the', 'date'], '.', env)).toBe(both)
  expect(await outputOf(example('unstorage.js'), [], '.', env)).toBe(both)
})

test('bridge.js names devices while it runs, and goes on counting after it was killed', async () => {
  const env = { MQTT_URL: (await startBroker()).url }
  const client = await connectClient(env.MQTT_URL)
  const heard: string[] = []
  client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`))
  await client.subscribeAsync('home/#')
  const hears = (text: string) => waitFor(() => heard.includes(text), { what: `${text} from the bridge` })
  const frame = (temperature: number) => client.publishAsync('radio/0x01', JSON.stringify({ temperature, battery: 90 }))
  const bridge = runProgram(example('bridge.js'), [], '.', env)
  await bridge.says(/^Start 1, 0 frames so far/m)
  await frame(20)
  await hears('home/0x01 {"temperature":20}')
  await outputOf(join(ROOT, 'bin/persist-mqtt.js'), ['set', 'example-bridge', 'names.0x01', 'kitchen'], '.', env)
  await bridge.says(/^Names: {"0x01":"kitchen"}$/m)
  await frame(21)
  await hears('home/kitchen {"temperature":21}')
  const kept = async () => JSON.parse((await poolTextAt(env.MQTT_URL, 'stat/example-bridge/PersistMQTT')) ?? '{}')
  await waitFor(async () => (await kept()).frames === 2, { what: 'the autosave' })
  await bridge.kill('SIGKILL')
  const again = runProgram(example('bridge.js'), [], '.', env)
  await again.says(/^Start 2, 2 frames so far/m)
  await frame(22)
  await hears('home/kitchen {"temperature":22}')
  await again.kill('SIGINT')
  expect(await kept()).toMatchObject({ starts: 2, frames: 3, devices: { '0x01': { frames: 3, battery: 90 } } })
})

test('thermostat.js heats, is set from Home Assistant, and goes on where it was', async () => {
  const env = { MQTT_URL: (await startBroker()).url, MINUTE_MS: '20' }
  const first = runProgram(example('thermostat.js'), [], '.', env)
  await first.says(/^15 °C, target 20 °C, 0 minutes burned so far/m)
  const config = 'homeassistant/device/persist_example-2d-thermostat/config'
  const announced = () => retainedAt(env.MQTT_URL, config)
  // After the first save, so that the entities have a state.
  const packet = await waitFor(announced, { what: 'the announcement' })
  const { components } = JSON.parse(packet.payload.toString())
  expect(components.number_target).toMatchObject({ min: 5, max: 30, step: 0.5, name: 'Target temperature' })
  expect(Object.keys(components)).toEqual([
    'number_target',
    'select_mode',
    'sensor_temperature',
    'binary_sensor_burning',
  ])
  const client = await connectClient(env.MQTT_URL)
  await client.publishAsync(components.number_target.command_topic, '{"target": 21.5}')
  await first.says(/^target is 21.5 now$/m)
  await client.publishAsync(components.number_target.command_topic, '{"target": 35}')
  await waitFor(() => /ERR_PERSIST_SCHEMA/.test(first.stderr()), { what: 'the refusal' })
  await first.kill('SIGINT')
  const again = runProgram(example('thermostat.js'), [], '.', env)
  await again.says(/target 21.5 °C, [1-9]\d* minutes burned so far/)
  await again.kill('SIGINT')
})

describe.skipIf(!chromiumAvailable)('browser/', () => {
  test('counts clicks, and has them again when the page is loaded again', { timeout: 60_000 }, async () => {
    const broker = await startBroker()
    const page = await openPage()
    const url = `${await servedExample()}/?url=${encodeURIComponent(broker.webSocketUrl)}`
    await page.goto(url)
    await page.getByText('Clicked 0 times').click()
    await page.getByText('Clicked 1 times').click()
    await page.getByText('Clicked 2 times').waitFor()
    // The page saves by itself, a little later; one that is left at once may lose the last click.
    const saved = () => poolTextAt(broker.url, 'stat/example-browser/PersistMQTT')
    await waitFor(async () => (await saved()) === '{"clicks":2}', { what: 'the autosave' })
    await page.reload()
    await page.getByText('Clicked 2 times').waitFor()
  })
})

async function openPage(): Promise<Page> {
  const executablePath = programs.chromium as string
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  onTestFinished(() => browser.close())
  return browser.newPage()
}

/** The page and its bundle, served as the example's comment says. */
async function servedExample(): Promise<string> {
  const directory = join(temporaryDirectory(), 'browser')
  mkdirSync(directory)
  const entryPoints = [example('browser/main.js')]
  await build({ entryPoints, bundle: true, format: 'esm', outdir: directory, logLevel: 'error' })
  const files: Record<string, readonly [type: string, file: string]> = {
    '/': ['text/html', example('browser/index.html')],
    '/main.js': ['text/javascript', join(directory, 'main.js')],
  }
  const server = createServer((request, response) => {
    const found = files[request.url?.split('?')[0] ?? '']
    if (found === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': found[0] }).end(readFileSync(found[1]))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
