import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestBroker } from '../broker/fixture.ts'
import { startAedes } from '../helpers/aedes.ts'
import { chromiumAvailable, mosquittoAvailable, programs } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { ROOT } from './snippets.ts'

const TOPIC = 'stat/page/PersistMQTT'

/** What the page has for the test to call. */
interface Opener {
  openStore(options: object): Promise<Pt>
}

interface Pt {
  count: number
  list: number[]
  find(name: string, fallback?: unknown): unknown
  save(): Promise<void>
  selfUpdate(): Promise<unknown>
  readonly $status: { readonly state: string; readonly protocolVersion?: number }
}

type PageWindow = typeof globalThis & { persist: Opener; pt: Pt }

/** Makes a page of the built package and a bundler, as for any browser. */
async function servedPage(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: "import * as persist from 'persist-mqtt'\nglobalThis.persist = persist", resolveDir: ROOT },
    // Without the paths of tsconfig.json, by which the package's name is its sources.
    tsconfigRaw: '{}',
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const script = outputFiles[0]?.text ?? ''
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><title>page</title><script type="module" src="page.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** @param host a name by which the page's server is called; it is this machine, whatever the name */
async function openPage(host?: string): Promise<Page> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
  if (host !== undefined) flags.push(`--host-resolver-rules=MAP ${host} 127.0.0.1`)
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
  const browser = await chromium.launch({ executablePath: programs.chromium as string, args: [...flags, ...quiet] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const address = await servedPage()
  await page.goto(host === undefined ? address : address.replace('127.0.0.1', host))
  return page
}

/** Opens the store in the page, and returns what it found. */
async function openIn(page: Page, url: string): Promise<{ count: unknown; list: unknown; state: string }> {
  return page.evaluate(async (broker) => {
    const { persist } = globalThis as PageWindow
    const pt = await persist.openStore({ url: broker, name: 'page' })
    ;(globalThis as PageWindow).pt = pt
    return { count: pt.find('count', 0), list: pt.find('list', null), state: pt.$status.state }
  }, url)
}

const kept = (url: string) => poolTextAt(url, TOPIC)

describe.skipIf(!chromiumAvailable)('in Chromium', () => {
  const start = async (name: string) => {
    const broker = await (name === 'Aedes' ? startAedes() : startMosquitto({ webSocket: true }))
    onTestFinished(() => broker.stop())
    return { url: broker.url, webSocketUrl: broker.webSocketUrl ?? '' }
  }

  for (const [name, runs] of [
    ['Aedes', true],
    ['Mosquitto', mosquittoAvailable],
  ] as const) {
    test.skipIf(!runs)(`a page saves at ${name}, and has it when it is loaded again`, { timeout: 60_000 }, async () => {
      const { url, webSocketUrl } = await start(name)
      const page = await openPage()
      expect(await openIn(page, webSocketUrl)).toEqual({ count: 0, list: null, state: 'ready' })
      await page.evaluate(async () => {
        const { pt } = globalThis as PageWindow
        pt.count = 1
        pt.list = [1]
        pt.list.push(2)
        await pt.save()
      })
      expect(await kept(url)).toBe('{"count":1,"list":[1,2]}')
      await page.reload()
      expect(await openIn(page, webSocketUrl)).toEqual({ count: 1, list: [1, 2], state: 'ready' })
      const client = await connectClient(url)
      await client.publishAsync(TOPIC, '{"count":9,"list":[]}', { qos: 1, retain: true })
      const count = () => page.evaluate(() => (globalThis as PageWindow).pt.count)
      await waitFor(async () => (await count()) === 9, { what: "the other program's value in the page" })
    })
  }

  test('a page of another site cannot use the embedded broker, also not under its own name', {
    timeout: 60_000,
  }, async () => {
    const broker = await startTestBroker({ directory: temporaryDirectory() })
    expect(await openIn(await openPage(), broker.webSocketUrl)).toMatchObject({ state: 'ready' })
    const page = await openPage('evil.example')
    for (const url of [broker.webSocketUrl, broker.webSocketUrl.replace('127.0.0.1', 'evil.example')]) {
      const failed = page.evaluate(async (brokerUrl) => {
        const { persist } = globalThis as PageWindow
        const options = { url: brokerUrl, name: 'page', openTimeoutMs: 3000 }
        return persist.openStore(options).then(
          () => 'opened',
          (error: { code: string }) => error.code,
        )
      }, url)
      expect(await failed).toBe('ERR_PERSIST_CONNECT')
    }
  })

  test('a page that is hidden is saved', { timeout: 60_000 }, async () => {
    const { url, webSocketUrl } = await start('Aedes')
    const page = await openPage()
    await openIn(page, webSocketUrl)
    await page.evaluate(() => {
      ;(globalThis as PageWindow).pt.count = 5
      // A headless browser has no other tab to go to: the page is told what it would be told then.
      Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await waitFor(async () => (await kept(url)) === '{"count":5}', { what: 'the save of the hidden page' })
  })

  test('a page has no npm to ask', { timeout: 60_000 }, async () => {
    const { webSocketUrl } = await start('Aedes')
    const page = await openPage()
    await openIn(page, webSocketUrl)
    const failure = await page.evaluate(() => (globalThis as PageWindow).pt.selfUpdate().catch((error) => error.code))
    expect(failure).toBe('ERR_PERSIST_CONNECT')
  })

  test('what cannot be reached is said, in the words of this package', { timeout: 60_000 }, async () => {
    const page = await openPage()
    const failure = (url: string) =>
      page.evaluate(async (broker) => {
        const { persist } = globalThis as PageWindow
        const options = { url: broker, name: 'page', openTimeoutMs: 3000 }
        const found = await persist.openStore(options).catch((error: { code: string; message: string }) => error)
        return 'code' in found ? `${found.code} ${found.message}` : 'opened'
      }, url)
    expect(await failure('mqtt://127.0.0.1:1883')).toMatch(/^ERR_PERSIST_OPTION .*ws/)
    // A browser does not tell a page why; that there is nothing behind port 9 is all that can be said.
    expect(await failure('ws://127.0.0.1:9')).toMatch(/^ERR_PERSIST_CONNECT /)
  })
})
