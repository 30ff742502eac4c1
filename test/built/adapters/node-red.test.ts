import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openEditor } from '../../../src/index.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { freePort } from '../../helpers/free-port.ts'
import { type Mosquitto, startMosquitto } from '../../helpers/mosquitto.ts'
import { poolTextAt } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor } from '../../helpers/wait.ts'
import { type Program, runProgram } from '../run-program.ts'
import { ROOT } from '../snippets.ts'

const NODE_RED = join(ROOT, 'node_modules/node-red/red.js')

interface Contexts {
  global?: { count: number; step?: number }
  counting?: { last: { at: number } }
  'count:counting'?: { starts: number }
}

async function mosquitto(): Promise<Mosquitto> {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  return broker
}

/** The example's folder with `persist-mqtt` installed in it; `settings` are added to those of the example. */
function project(settings = '{}'): string {
  const directory = temporaryDirectory()
  cpSync(join(ROOT, 'examples/node-red'), directory, { recursive: true })
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(ROOT, join(directory, 'node_modules', 'persist-mqtt'), 'dir')
  // No editor: it would need a port.
  const own = `const own = require('./settings.cjs')
module.exports = { ...own, httpAdminRoot: false, httpNodeRoot: false, uiPort: 0, uiHost: '127.0.0.1', ...${settings} }`
  writeFileSync(join(directory, 'test-settings.cjs'), own)
  return directory
}

function startNodeRed(directory: string, url: string): Program {
  const args = ['--settings', 'test-settings.cjs', '--userDir', '.']
  return runProgram(NODE_RED, args, directory, { MQTT_URL: url, HOME: directory })
}

async function contexts(url: string): Promise<Contexts> {
  return JSON.parse((await poolTextAt(url, 'stat/node-red/PersistMQTT')) ?? '{}')
}

function countReaches(url: string, count: number): Promise<Contexts> {
  const reached = async () => {
    const found = await contexts(url)
    return (found.global?.count ?? 0) >= count ? found : undefined
  }
  return waitFor(reached, { what: `a count of ${count}`, limitMs: 30_000 })
}

test('require() gives the function that Node-RED calls, and no class', () => {
  const factory = createRequire(import.meta.url)('persist-mqtt/node-red')
  expect(factory).toBeTypeOf('function')
  expect(Object.keys(factory({ url: 'mqtt://127.0.0.1:1' }))).toEqual([])
  expect(() => factory({ offline: 'maybe' })).toThrow(/'fail' or 'memory'/)
})

describe.skipIf(!mosquittoAvailable)('Node-RED with its contexts on Mosquitto', () => {
  test('a flow that counts is killed, and counts on', { timeout: 90_000 }, async () => {
    const { url } = await mosquitto()
    const directory = project()
    const first = startNodeRed(directory, url)
    const before = await countReaches(url, 5)
    await first.kill('SIGKILL')
    const { global: kept } = await contexts(url)
    const second = startNodeRed(directory, url)
    const after = await countReaches(url, (kept?.count ?? 0) + 5)
    expect(before['count:counting']).toEqual({ starts: 1 })
    expect(after['count:counting']).toEqual({ starts: 2 })
    expect(after.counting?.last.at).toBeGreaterThan(before.counting?.last.at ?? Number.POSITIVE_INFINITY)
    // Whoever changes it from outside changes what the flow goes on with.
    const editor = await openEditor({ url, name: 'node-red' })
    await editor.patch({ global: { count: 1000 } })
    await countReaches(url, 1005)
    await editor.close()
    // An end as planned keeps the last count, too.
    await second.kill('SIGTERM')
    expect(second.stderr()).not.toMatch(/ERR_PERSIST/)
  })

  test('without a broker the start fails, and says so', { timeout: 60_000 }, async () => {
    const settings = `{ contextStorage: { default: { ...own.contextStorage.default, config: { url: 'mqtt://127.0.0.1:1', startTimeoutMs: 500 } } } }`
    const nodeRed = startNodeRed(project(settings), 'mqtt://127.0.0.1:1')
    await nodeRed.says(/ERR_PERSIST_CONNECT|Could not connect|could not be opened|mqtt:\/\/127\.0\.0\.1:1/)
  })

  test("offline: 'memory' starts without a broker, and merges when there is one", { timeout: 90_000 }, async () => {
    const broker = await startMosquitto({ persistence: true })
    onTestFinished(() => broker.stop())
    const earlier = await openEditor({ url: broker.url, name: 'node-red' })
    const gone = { 'gone:counting': { of: 'a node that was removed' } }
    await earlier.assign({ global: { count: 0, kept: 'from before' }, note: 'not of Node-RED', ...gone })
    await earlier.close()
    await broker.kill('SIGTERM')
    const settings = `{ contextStorage: { default: { ...own.contextStorage.default, config: { url: process.env.MQTT_URL, startTimeoutMs: 500, offline: 'memory' } } } }`
    const nodeRed = startNodeRed(project(settings), broker.url)
    await waitFor(() => /WARN_PERSIST_OFFLINE/.test(nodeRed.stderr()), { what: 'the warning', limitMs: 30_000 })
    await nodeRed.says(/Started flows/)
    await broker.restart()
    const merged = await countReaches(broker.url, 5)
    expect(merged.global).toMatchObject({ kept: 'from before' })
    // Node-RED cleans up when flows are deployed, not when it starts.
    expect(Object.keys(merged).sort()).toEqual(['count:counting', 'counting', 'global', 'gone:counting', 'note'])
  })

  test('a deployment removes the contexts of what is no more, and nothing else', { timeout: 60_000 }, async () => {
    const { url } = await mosquitto()
    const port = await freePort()
    startNodeRed(project(`{ httpAdminRoot: '/', uiPort: ${port} }`), url)
    await countReaches(url, 3)
    const editor = await openEditor({ url, name: 'node-red' })
    await editor.assign({ note: 'not of Node-RED' })
    await editor.close()
    const flows = [{ id: 'other', type: 'tab', label: 'Other' }]
    const headers = { 'content-type': 'application/json' }
    const deployed = await fetch(`http://127.0.0.1:${port}/flows`, {
      method: 'POST',
      headers,
      body: JSON.stringify(flows),
    })
    expect(deployed.status).toBe(204)
    const isClean = async () =>
      Object.keys(await contexts(url))
        .sort()
        .join() === 'global,note'
    await waitFor(isClean, { what: 'the contexts of the old flow to go' })
  })
})
