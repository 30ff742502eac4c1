// @ts-check
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { connectAsync } from 'mqtt'
import { chromium } from 'playwright-core'
import { startInspector } from '../dist/inspector/server.js'
import { Pools } from '../dist/pools/pools.js'
import { installed, mosquitto } from './servers.js'

const POOLS = 10_000
const ROUNDS = 7
const CHANGES_A_SECOND = 1000
/** How long is scrolled while everything changes, in milliseconds. */
const SCROLLING_MS = 5000
const PAGE = new URL('../dist/inspector/page/assets/', import.meta.url)

/** The inspector's page in Chromium. @returns {Promise<import('./report.js').Section>} */
export async function inspector() {
  const program = installed('chromium')
  const code = codeBytes()
  const section = {
    title: 'The inspector’s page',
    head: ['', ''],
    targets: [{ what: 'The inspector’s page, gzipped without the chart, kB', is: code / 1000, most: 60 }],
  }
  if (program === undefined) return { ...section, text: '', rows: [], skipped: ['Chromium is not installed.'] }
  const broker = await mosquitto([])
  const client = await filled(broker.url)
  const pools = new Pools({ url: broker.url })
  const server = await startInspector({ pools, port: 0, host: '127.0.0.1', isReadOnly: false })
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--headless'] })
  const paints = []
  for (let round = 0; round < ROUNDS; round++) paints.push(await firstPaint(browser, server.url))
  const paint = median(paints)
  const changing = { count: 0, isOver: false }
  const [frames] = await Promise.all([scrolled(browser, server.url).finally(() => (changing.isOver = true)), change()])
  await browser.close()
  await server.close()
  await client.endAsync()
  await broker.stop()
  const [half, most] = [frames[Math.floor(frames.length / 2)] ?? 0, frames[Math.floor(frames.length * 0.95)] ?? 0]
  return {
    ...section,
    text:
      `${POOLS.toLocaleString('en')} pools of 300 bytes on Mosquitto with default settings, in Chromium. First: from opening the address until the first ` +
      'pools are drawn, in a browser that has nothing of it yet. Frames: while the list is scrolled all the time, and ' +
      `${CHANGES_A_SECOND.toLocaleString('en')} changes a second come in (${changing.count.toLocaleString('en')} in all). Browser, inspector and broker share two cores.`,
    rows: [
      ['first pools drawn', `${Math.round(paint)} ms`],
      ['a frame, median', `${half.toFixed(1)} ms`],
      ['a frame, 95 of 100 are faster', `${most.toFixed(1)} ms`],
      ['code and styles, gzipped, without the chart', `${(code / 1000).toFixed(1)} kB`],
    ],
    targets: [
      { what: `${POOLS.toLocaleString('en')} pools: first ones drawn, ms`, is: paint, most: 1000 },
      { what: 'Scrolling them with 1,000 changes a second: 95 of 100 frames, ms', is: most, most: 50 },
      ...section.targets,
    ],
  }

  /** Changes pools until it is over, some every few milliseconds. */
  async function change() {
    const start = performance.now()
    while (!changing.isOver) {
      const due = ((performance.now() - start) / 1000) * CHANGES_A_SECOND
      for (; changing.count < due; changing.count++) {
        client.publish(`stat/p${changing.count % POOLS}/PersistMQTT`, poolText(changing.count), {
          qos: 0,
          retain: true,
        })
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** What the page loads at once, gzipped, in bytes. */
function codeBytes() {
  const files = readdirSync(PAGE).filter((name) => !name.startsWith('chart'))
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, PAGE))).length, 0)
}

/** @param {string} url */
async function filled(url) {
  const client = await connectAsync(url)
  for (let from = 0; from < POOLS; from += 500) {
    const some = Array.from({ length: 500 }, (_, index) => from + index)
    await Promise.all(
      some.map((index) => client.publishAsync(`stat/p${index}/PersistMQTT`, poolText(index), { qos: 1, retain: true })),
    )
  }
  return client
}

/** @param {number} number */
function poolText(number) {
  return JSON.stringify({ number, text: 'x'.repeat(270) })
}

/** @param {import('playwright-core').Browser} browser @param {string} url */
async function firstPaint(browser, url) {
  const page = await browser.newPage()
  const start = performance.now()
  await page.goto(url, { waitUntil: 'commit' })
  await page.locator('.pool-name').first().waitFor()
  const ms = performance.now() - start
  await page.close()
  return ms
}

/** The times of all frames, the shortest first. @param {import('playwright-core').Browser} browser @param {string} url */
async function scrolled(browser, url) {
  const page = await browser.newPage()
  await page.goto(url)
  await page.locator('.pool-name').first().waitFor()
  return page.evaluate(async (limitMs) => {
    const list = /** @type {HTMLElement} */ (document.getElementById('pools'))
    /** @type {number[]} */
    const times = []
    let last = performance.now()
    for (const end = last + limitMs; last < end; ) {
      const now = await new Promise((resolve) => requestAnimationFrame(resolve))
      times.push(now - last)
      last = now
      list.scrollTop += 40
    }
    return times.slice(1).sort((one, other) => one - other)
  }, SCROLLING_MS)
}

/** @param {number[]} values */
function median(values) {
  return values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}
