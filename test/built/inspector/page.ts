import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { programs } from '../../helpers/available.ts'
import { type Mosquitto, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from '../cli/cli.ts'
import type { Program } from '../run-program.ts'

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

/** The inspector's page in Chromium, on a Mosquitto with these pools. */
export interface InspectedPage {
  readonly broker: Mosquitto
  readonly browser: Browser
  readonly page: Page
  /** With its token. */
  readonly url: string
  readonly program: Program
  /** What went wrong in the page. */
  readonly errors: string[]
  put(name: string, text: string): Promise<void>
  /** Waits until this is kept. */
  kept(name: string, text: string | undefined): Promise<void>
  /** Opens a pool, and waits for its tree, or what is shown instead. */
  open(name: string): Promise<void>
  /** The lines of the list. */
  readonly pools: Locator
  /** The line of a variable, as a screen reader tells of it. */
  row(name: string): Locator
}

const topicOf = (name: string) => `stat/${name}/PersistMQTT`

export async function inspectedPage(
  pools: Readonly<Record<string, string>>,
  { flags = [], ...context }: Parameters<Browser['newContext']>[0] & { flags?: readonly string[] } = {},
): Promise<InspectedPage> {
  const broker = await startMosquitto({ persistence: true })
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  const put = async (name: string, text: string) => {
    const publisher = client.connected ? client : await connectClient(broker.url)
    await publisher.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  }
  for (const [name, text] of Object.entries(pools)) await put(name, text)
  const { program, url } = await startInspect(broker.url, ...flags)
  const browser = await chromium.launch({ executablePath: programs.chromium as string, args: [...FLAGS, ...QUIET] })
  onTestFinished(() => browser.close())
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 }, ...context })).newPage()
  page.setDefaultTimeout(10_000)
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE/.test(message.text())) {
      errors.push(message.text())
    }
  })
  await page.goto(url)
  const kept = async (name: string, text: string | undefined) => {
    const now = () => poolTextAt(broker.url, topicOf(name))
    let last: string | undefined
    await waitFor(
      async () => {
        last = await now()
        return last === text
      },
      { what: `${text} to be kept of ${name}` },
    ).catch((cause: unknown) => {
      throw new Error(`${last} is kept of ${name}`, { cause })
    })
  }
  const list = page.getByRole('listbox', { name: 'Pools' }).getByRole('option')
  const open = async (name: string) => {
    await list.filter({ hasText: name }).first().click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
  }
  const row = (name: string) => page.getByRole('treeitem', { name: new RegExp(`^${name} `) })
  return { broker, browser, page, url, program, errors, put, kept, open, pools: list, row }
}

/** Starts `persist-mqtt inspect`; it ends with the test. */
export async function startInspect(broker: string, ...flags: string[]): Promise<{ program: Program; url: string }> {
  const program = new Cli(broker).start('inspect', '--port', '0', ...flags)
  const url = await waitFor(() => /https?:\S+/.exec(program.stdout())?.[0], {
    what: `the inspector's address, not ${program.stderr()}`,
    limitMs: 15_000,
  })
  return { program, url }
}
