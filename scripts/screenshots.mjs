// Makes the pictures of the documents: node scripts/screenshots.mjs, after npm run build. Needs mosquitto and chromium.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { chromium } from 'playwright-core'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = join(root, 'docs/images')
mkdirSync(images, { recursive: true })

/** @type {Record<string, object>} */
const POOLS = {
  attic: { seen: '2026-11-01', temperatures: [4, 5.5] },
  doorbell: { rings: 112, melody: 'westminster', muted: false },
  garage: { opened: 1204, light: true, limits: { low: 7, high: 30 } },
  greenhouse: {
    temperature: 21.4,
    humidity: 63,
    heating: true,
    mode: 'frost guard',
    limits: { low: 12, high: 26.5, days: ['mo', 'tu', 'we'] },
    watered: null,
  },
  heating: { target: 20.5, pump: true, hours: 8731 },
  'kitchen-light': { brightness: 80, scene: 'evening' },
  solar: { today: 11.2, total: 20415.7, inverters: [{ id: 1, ok: true }] },
  'water-meter': { litres: 48210, leak: false },
  weather: { wind: 3.4, rain: 0 },
}

const port = await freePort()
const broker = spawn('mosquitto', ['-p', String(port)], { stdio: 'ignore' })
const url = `mqtt://127.0.0.1:${port}`
const client = await reached(() => connectAsync(url, { reconnectPeriod: 0 }, false))
/** @type {(name: string, pool: object) => Promise<unknown>} */
const put = (name, pool) =>
  client.publishAsync(`stat/${name}/PersistMQTT`, JSON.stringify(pool), { qos: 1, retain: true })
for (const [name, pool] of Object.entries(POOLS)) await put(name, pool)
await client.publishAsync('stat/tasmota_8F21/PersistMQTT', '{"counter":17,"tones":[600,700,800]}', { retain: true })
await client.publishAsync('tele/tasmota_8F21/LWT', 'Online', { retain: true })
await client.publishAsync('tele/doorbell/LWT', 'Offline', { retain: true })

const bin = join(root, 'bin/persist-mqtt.js')
const inspector = spawn(process.execPath, [bin, 'inspect', '--url', url, '--port', '0', '--json'])
const address = await new Promise((resolve) => {
  inspector.stdout.once('data', (line) => resolve(JSON.parse(String(line)).url))
})
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width: 1200, height: 720 } })
    await page.goto(address)
    await page.getByRole('listbox').getByText('greenhouse').click()
    await page.getByRole('treeitem').first().waitFor()
    await page
      .getByRole('treeitem', { name: /^limits/ })
      .getByRole('button', { name: 'limits', exact: true })
      .click()
    const pool = structuredClone(/** @type {any} */ (POOLS.greenhouse))
    for (let step = 0; step < 40; step++) {
      pool.temperature = Math.round(10 * (21.4 + 3 * Math.sin(step / 5))) / 10
      pool.humidity = Math.round(63 - 6 * Math.sin(step / 7))
      if (step % 12 === 0) pool.limits.low = 12 + (step % 5)
      await put('greenhouse', pool)
    }
    await page.getByRole('treeitem', { name: `temperature ${pool.temperature}` }).waitFor()
    await pause(250)
    await page.screenshot({ path: join(images, `inspector-${scheme}.png`) })
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByRole('list', { name: 'History' }).getByRole('button').nth(6).click()
    await page.getByRole('heading', { name: 'What going back would change' }).waitFor()
    if (scheme === 'light') await page.screenshot({ path: join(images, 'inspector-history-light.png') })
    await page.close()
  }
} finally {
  await browser.close()
  inspector.kill('SIGTERM')
  await client.endAsync(true)
  broker.kill('SIGTERM')
}

/** A port that nobody has now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port: free } = /** @type {import('node:net').AddressInfo} */ (server.address())
  await new Promise((resolve) => server.close(resolve))
  return free
}

/**
 * Tries again until it works, for five seconds.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @returns {Promise<T>}
 */
async function reached(attempt) {
  for (const end = performance.now() + 5000; ; ) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > end) throw error
      await pause(50)
    }
  }
}
