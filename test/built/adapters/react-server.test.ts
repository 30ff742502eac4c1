import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumAvailable, programs } from '../../helpers/available.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { ROOT } from '../snippets.ts'

/** The same components on both sides, each with a store of its own. */
const APP = `
import { openStore } from 'persist-mqtt/memory'
import { ServerSnapshot, useStore, useVariable } from 'persist-mqtt/react'

export async function storeOf(a) {
  return openStore({ name: 'page', defaults: { a, map: { x: a } } })
}
function App({ pt }) {
  const [a] = useVariable(pt, 'a')
  const { map } = useStore(pt)
  globalThis.drawn?.push(String(a))
  return <p id="app">{String(a)} {map ? map.x : 'nothing'}</p>
}
export function page(pt, variables) {
  return variables ? <ServerSnapshot store={pt} variables={variables}><App pt={pt} /></ServerSnapshot> : <App pt={pt} />
}
`

const SERVER = `${APP}
import { renderToString } from 'react-dom/server'
export async function render(isWhole) {
  const pt = await storeOf(1)
  const variables = isWhole ? pt.$snapshot() : undefined
  return { html: renderToString(page(pt, variables)), variables }
}
`

/** The browser's store is ready before the page hydrates, and has other values by then. */
const BROWSER = `${APP}
import { hydrateRoot } from 'react-dom/client'
const variables = JSON.parse(document.getElementById('variables').textContent)
globalThis.drawn = []
globalThis.mismatches = []
const pt = await storeOf(2)
const onRecoverableError = (error) => globalThis.mismatches.push(error.message)
hydrateRoot(document.querySelector('main'), page(pt, variables ?? undefined), { onRecoverableError })
`

interface Shared {
  drawn: string[]
  mismatches: string[]
}

async function bundled(code: string, version: string, platform: 'node' | 'browser'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT, loader: 'jsx' },
    bundle: true,
    platform,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    write: false,
    logLevel: 'error',
    // Without tsconfig.json, whose paths lead to the sources: what was built is tested here.
    tsconfigRaw: {},
    define: { 'process.env.NODE_ENV': '"development"' },
    ...(version === '' ? {} : { alias: { react: `react${version}`, 'react-dom': `react-dom${version}` } }),
    // React's server asks for Node's modules by require().
    banner: {
      js: platform === 'node' ? "import { createRequire } from 'node:module'; const require = createRequire('/')" : '',
    },
  })
  return outputFiles[0]?.text ?? ''
}

async function served(html: string, script: string): Promise<string> {
  const server = createServer((request, response) => {
    const isScript = request.url?.endsWith('.js') === true
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

let browser: Browser
beforeAll(async () => {
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  if (chromiumAvailable) browser = await chromium.launch({ executablePath: programs.chromium as string, args })
})
afterAll(() => browser?.close())

describe.skipIf(!chromiumAvailable).each([
  ['18', '-18'],
  ['19', ''],
])('a page that a server has drawn, with React %s', (_, version) => {
  test.each([
    ['the variables that it was told', true, '1 1'],
    ['nothing where it was told none, though its store is ready', false, 'undefined nothing'],
  ])('the server draws %s, and the browser the same until it has hydrated', { timeout: 60_000 }, async (...row) => {
    const [, isWhole, first] = row
    const file = join(temporaryDirectory(), 'server.mjs')
    writeFileSync(file, await bundled(SERVER, version, 'node'))
    const { render } = await import(pathToFileURL(file).href)
    const { html, variables } = await render(isWhole)
    expect(html.replaceAll(/<!-- -->|<[^>]+>/g, '')).toBe(first)

    const json = JSON.stringify(variables ?? null)
    const document =
      `<!doctype html><link rel="icon" href="data:,"><main>${html}</main>` +
      `<script id="variables" type="application/json">${json}</script><script type="module" src="page.js"></script>`
    const address = await served(document, await bundled(BROWSER, version, 'browser'))
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    page.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())))
    await page.goto(address)
    await page.getByText('2 2').waitFor()
    const { drawn, mismatches } = await page.evaluate(() => {
      const { drawn, mismatches } = globalThis as unknown as Shared
      return { drawn, mismatches }
    })
    expect(drawn[0]).toBe(first.split(' ')[0])
    expect({ mismatches, errors }).toEqual({ mismatches: [], errors: [] })
  })
})
