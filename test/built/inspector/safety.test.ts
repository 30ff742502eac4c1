import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chromiumAvailable, mosquittoAvailable } from '../../helpers/available.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { inspectedPage } from './page.ts'

const LIMIT = { timeout: 60_000 }
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeWindow {
  axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> }
}

/** What axe-core finds: its rule, how bad, and where. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as AxeWindow).axe.run()
    return violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes[0]?.html.slice(0, 200)}`)
  })
}

describe.skipIf(!chromiumAvailable || !mosquittoAvailable)('the page', () => {
  test('the page without the token shows nothing', LIMIT, async () => {
    const { page, pools, url } = await inspectedPage({ garage: '{}' })
    await page.context().clearCookies()
    await page.goto(url.replace(/\?.*/, ''))
    await page.getByText('Open the address that').waitFor()
    await page.goto(`${url.replace(/\?.*/, '')}?token=wrong`)
    await page.getByText('Open the address that').waitFor()
    expect(await pools.count()).toBe(0)
    await page.goto(url)
    await pools.waitFor()
    expect(page.url()).not.toContain('token')
  })

  test('the page shows whatever is kept as text', LIMIT, async () => {
    const script = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const pool = JSON.stringify({ [script]: script, list: [script], text: 'javascript:alert(1)' })
    const odd = pool.replace(/}$/, ',"__proto__":{"polluted":1},"constructor":1,"a\\u0000b\\u202e":"\\ud800"}')
    const { page, open, put, kept, errors } = await inspectedPage({
      garage: odd,
      [`x${script.replaceAll('/', '')}`]: '{}',
    })
    await open('garage')
    await page.getByRole('treeitem').first().waitFor()
    expect(await page.getByRole('treeitem').count()).toBe(6)
    expect(await page.locator('#app img, #app script').count()).toBe(0)
    await page.getByRole('treeitem', { name: 'list 1 item' }).getByRole('button', { name: 'list', exact: true }).click()
    await put('garage', odd.replace('"constructor":1', '"constructor":2'))
    await page.getByRole('treeitem', { name: 'constructor 2 number' }).waitFor()
    await page.getByRole('treeitem', { name: '__proto__ 1 entry' }).hover()
    await page.getByRole('button', { name: 'Remove __proto__' }).click()
    await page.getByRole('dialog').getByText('"polluted": 1').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    const left = odd.replace('"constructor":1', '"constructor":2').replace('"__proto__":{"polluted":1},', '')
    await kept('garage', left.replace('\\u202e', '\u202e'))
    expect(await page.title()).toBe('garage · persist-mqtt inspector')
    expect(await page.evaluate(() => 'polluted' in {})).toBe(false)
    expect(errors).toEqual([])
  })

  test('the page tells when the broker or the server is away, and misses nothing', LIMIT, async () => {
    const { broker, browser, page, url, put, open, program } = await inspectedPage({ garage: '{"n":0}' })
    const proxy = await startDelayProxy({ target: url })
    onTestFinished(() => proxy.close())
    await page.goto(url.replace(/:\d+\//, `:${proxy.port}/`))
    await open('garage')
    await page.getByRole('treeitem', { name: 'n 0 number' }).waitFor()
    proxy.cut()
    for (let n = 1; n <= 20; n++) await put('garage', `{"n":${n}}`)
    await page.getByRole('treeitem', { name: 'n 20 number' }).waitFor()
    await page.getByRole('link', { name: 'History' }).click()
    const states = page.getByRole('list', { name: 'History' }).getByRole('button')
    await states.nth(20).waitFor()
    expect(await states.count()).toBe(21)
    await broker.kill()
    await page.getByRole('alert').getByText('No link to the broker').waitFor()
    await broker.restart()
    await page.getByRole('alert').waitFor({ state: 'detached', timeout: 30_000 })
    const late = await connectClient(broker.url)
    await late.publishAsync('stat/garage/PersistMQTT', '{"n":99}', { qos: 1, retain: true })
    await page.getByRole('link', { name: 'Variables' }).click()
    await page.getByRole('treeitem', { name: 'n 99 number' }).waitFor()
    await program.kill('SIGTERM')
    await page.getByRole('alert').getByText('The inspector does not answer').waitFor()
    expect(browser.isConnected()).toBe(true)
  })

  test.each(['light', 'dark'] as const)('axe-core finds nothing, %s', LIMIT, async (colorScheme) => {
    const pool = '{"n":1,"on":true,"text":"x","none":null,"map":{"list":[1,2]}}'
    const { page, pools, open, put, errors } = await inspectedPage(
      { garage: pool, bad: 'x' },
      // axe-core is code that the page's policy would keep out.
      { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
    )
    await pools.first().waitFor()
    expect(await violations(page)).toEqual([])
    await open('garage')
    await page.getByRole('treeitem').first().waitFor()
    await page.getByRole('button', { name: 'Show n in the large chart' }).click()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Add a variable' }).click()
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await put('garage', '{"n":2}')
    for (const section of ['History', 'Charts', 'Backup', 'Doctor']) {
      await page.getByRole('link', { name: section, exact: true }).click()
      expect([section, await violations(page)]).toEqual([section, []])
    }
    await open('bad')
    expect(await violations(page)).toEqual([])
    expect(errors).toEqual([])
  })

  test('on a phone the list and a pool are two screens', LIMIT, async () => {
    const viewport = { width: 390, height: 800 }
    const { page, pools, open, row } = await inspectedPage(
      { garage: `{"n":1,"long":"${'x'.repeat(500)}"}` },
      { viewport },
    )
    await open('garage')
    await row('n').waitFor()
    expect(await pools.count()).toBe(0)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBe(390)
    await page.getByRole('link', { name: 'Back to the pools' }).click()
    await pools.waitFor()
  })

  test('of many pools only those that can be seen are drawn', LIMIT, async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`pool${index}`, `{"n":${index}}`]))
    const { page, pools, errors } = await inspectedPage(many)
    await page.getByText('500 pools', { exact: true }).waitFor()
    expect(await pools.count()).toBeLessThan(60)
    await page.getByRole('listbox', { name: 'Pools' }).focus()
    await page.keyboard.press('End')
    await pools.filter({ hasText: 'pool499' }).waitFor()
    await page.getByRole('searchbox').fill('n')
    await page.getByRole('searchbox').fill('"n" 499')
    await page.getByText('Nothing matches').waitFor()
    await page.getByRole('searchbox').fill('498')
    await page.getByText('1 of 500 pools').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('treeitem', { name: 'n 498 number' }).waitFor()
    expect(errors).toEqual([])
  })
})
