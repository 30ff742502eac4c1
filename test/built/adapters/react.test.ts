import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chromiumAvailable, mosquittoAvailable, programs } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import { ROOT } from '../snippets.ts'

const LIMIT = { timeout: 60_000 }

/** A page with these components, which draw into #app; `renders` counts how often each was drawn. */
const COMPONENTS = `
import { createStore } from 'persist-mqtt'
import { useStore, useVariable } from 'persist-mqtt/react'
import { StrictMode, Suspense, startTransition, useState } from 'react'
import { createRoot } from 'react-dom/client'

const url = new URLSearchParams(location.search).get('url')
const pt = (globalThis.pt = createStore({ url, name: 'page', defaults: { a: 1, b: 1, map: { x: 1 } } }))
const renders = (globalThis.renders = { A: 0, B: 0, All: 0 })
const seen = (globalThis.seen = [])

function A() {
  const [a, setA] = useVariable(pt, 'a')
  renders.A++
  return <button id="a" onClick={() => setA((now = 0) => now + 1)}>{String(a)}</button>
}
function B() {
  const [b] = useVariable(pt, 'b')
  renders.B++
  return <span id="b">{String(b)}</span>
}
function All() {
  const { a, map } = useStore(pt)
  renders.All++
  seen.push(map)
  return <span id="all">{a === undefined ? 'nothing' : a + ' ' + map.x}</span>
}
/** Slow on purpose: React interrupts it, and values of different times must not be drawn together. */
function Torn() {
  const [a] = useVariable(pt, 'a')
  const end = performance.now() + 3
  while (performance.now() < end) {}
  return <i className="torn">{a}</i>
}
function Page() {
  const [count, setCount] = useState(0)
  globalThis.drawMany = (n) => startTransition(() => setCount(n))
  return <><A /><B /><All />{Array.from({ length: count }, (_, n) => <Torn key={n} />)}</>
}
globalThis.root = createRoot(document.getElementById('app'))
globalThis.root.render(<StrictMode><Suspense><Page /></Suspense></StrictMode>)
`

interface Shared {
  pt: { a: number; b: number; map: { x: number } }
  renders: { A: number; B: number; All: number }
  seen: unknown[]
  root: { unmount(): void }
  drawMany(count: number): void
}

async function served(contents: string, html: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'jsx' },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    jsx: 'automatic',
    write: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  const server = createServer((request, response) => {
    const isScript = request.url?.endsWith('.js') === true
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? outputFiles[0]?.text : html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function opened(contents: string, html: string): Promise<{ page: Page; url: string; errors: string[] }> {
  const broker = await startMosquitto({ webSocket: true })
  onTestFinished(() => broker.stop())
  const address = await served(contents, html)
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  const browser = await chromium.launch({ executablePath: programs.chromium as string, args })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) errors.push(message.text())
  })
  await page.goto(`${address}?url=${broker.webSocketUrl}`)
  return { page, url: broker.url, errors }
}

const HTML =
  '<!doctype html><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="page.js"></script>'
const text = (page: Page, selector: string) => page.locator(selector).textContent()

describe.skipIf(!chromiumAvailable || !mosquittoAvailable)('the hooks for React', () => {
  test(
    'the hooks for React show the variables as soon as they are here, and draw only what has changed',
    LIMIT,
    async () => {
      const { page, url, errors } = await opened(COMPONENTS, HTML)
      await page.getByText('1 1').waitFor()
      const renders = () => page.evaluate(() => ({ ...(globalThis as unknown as Shared).renders }))
      const before = await renders()
      await page.click('#a')
      await page.getByText('2 1').waitFor()
      const after = await renders()
      expect(after.A).toBeGreaterThan(before.A)
      expect(after.B).toBe(before.B)
      // Not saved yet; what somebody else writes comes in beside it.
      const client = await connectClient(url)
      await page.evaluate(() => (globalThis as unknown as { pt: { save(): Promise<void> } }).pt.save())
      await client.publishAsync('stat/page/PersistMQTT', '{"a":2,"b":7,"map":{"x":1}}', { qos: 1, retain: true })
      await page.locator('#b', { hasText: '7' }).waitFor()
      expect((await renders()).A).toBe(after.A)
      // The map is the same object all the time, since nothing in it has changed.
      const maps = await page.evaluate(() => new Set((globalThis as unknown as Shared).seen.filter(Boolean)).size)
      expect(maps).toBe(1)
      await page.evaluate(() => {
        const { pt } = globalThis as unknown as Shared
        pt.map.x = 5
      })
      await page.getByText('2 5').waitFor()
      expect(errors).toEqual([])
    },
  )

  test(
    'the hooks for React never draw values of different times together, while React takes its time',
    LIMIT,
    async () => {
      const { page, errors } = await opened(COMPONENTS, HTML)
      await page.getByText('1 1').waitFor()
      const torn = await page.evaluate(async () => {
        const { pt, drawMany } = globalThis as unknown as Shared
        let mixed = 0
        const look = () => {
          const shown = new Set([...document.querySelectorAll('.torn')].map((element) => element.textContent))
          if (shown.size > 1) mixed++
        }
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
        drawMany(40)
        for (let step = 0; step < 60; step++) {
          pt.a += 1
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        return mixed
      })
      expect(torn).toBe(0)
      await page.locator('.torn').nth(39).waitFor()
      expect(await text(page, '.torn:last-child')).toBe(await text(page, '#a'))
      expect(errors).toEqual([])
    },
  )

  test('the hooks for React leave nothing behind when they are gone', LIMIT, async () => {
    const { page, errors } = await opened(COMPONENTS, HTML)
    await page.getByText('1 1').waitFor()
    const before = await page.evaluate(() => {
      const { root, renders, pt } = globalThis as unknown as Shared
      root.unmount()
      pt.a = 100
      return { ...renders }
    })
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
    expect(await page.evaluate(() => ({ ...(globalThis as unknown as Shared).renders }))).toEqual(before)
    expect(errors).toEqual([])
  })

  test('the example keeps its target', LIMIT, async () => {
    const folder = join(ROOT, 'examples/react')
    const example = readFileSync(join(folder, 'main.jsx'), 'utf8')
    const { page, url, errors } = await opened(example, readFileSync(join(folder, 'index.html'), 'utf8'))
    await page.getByText('kitchen: 19.5 °C (auto)').waitFor()
    await page.getByRole('button', { name: '+' }).click()
    await page.getByText('20.5 °C').waitFor()
    const kept = async () => (await poolTextAt(url, 'stat/example-react/PersistMQTT')) ?? ''
    await waitFor(async () => (await kept()).includes('"target":20.5'), { what: 'the target to be kept' })
    await page.reload()
    await page.getByText('20.5 °C').waitFor()
    expect(errors).toEqual([])
  })
})
