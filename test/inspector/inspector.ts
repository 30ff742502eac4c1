import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { type Inspector, type InspectorOptions, startInspector } from '../../src/inspector/server.ts'
import { Pools } from '../../src/pools/pools.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'

/** An inspector of a Mosquitto, and a browser's side of it, without a browser. */
export interface Inspected {
  readonly brokerUrl: string
  readonly inspector: Inspector
  /** The server, without the token. */
  readonly origin: string
  /** The address of the page, for browsers that were let in. */
  readonly page: string
  readonly cookie: string
  readonly client: MqttClient
  put(name: string, text: string): Promise<void>
  kept(name: string): Promise<string | undefined>
  /** GET with the cookie. */
  get(path: string, headers?: Record<string, string>): Promise<Response>
  /** POST as the page does it; the status and what was answered. */
  post(path: string, body: object | string): Promise<[status: number, answer: unknown]>
}

const topicOf = (name: string) => `stat/${name}/PersistMQTT`

/** Starts both with these pools on the broker. */
export async function inspected(
  pools: Readonly<Record<string, string>> = {},
  options: Partial<InspectorOptions> = {},
): Promise<Inspected> {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  const put = async (name: string, text: string) => {
    await client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  }
  for (const [name, text] of Object.entries(pools)) await put(name, text)
  const inspector = await startOn(broker.url, options)
  const { origin, pathname, search } = new URL(inspector.url)
  const entered = await fetch(origin + pathname + search, { redirect: 'manual' })
  const page = new URL(entered.headers.get('location') ?? '', origin).href
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${page}api/${path}`, { headers: { cookie, ...headers } })
  const post = async (path: string, body: object | string): Promise<[number, unknown]> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${page}api/${path}`, { method: 'POST', body: text, headers: { cookie, origin } })
    return [response.status, await response.json()]
  }
  const kept = (name: string) => poolTextAt(broker.url, topicOf(name))
  return { brokerUrl: broker.url, inspector, origin, page, cookie, client, put, kept, get, post }
}

/** An inspector with a page of one line. */
export async function startOn(url: string, options: Partial<InspectorOptions> = {}): Promise<Inspector> {
  const pageDirectory = temporaryDirectory()
  mkdirSync(join(pageDirectory, 'assets'))
  writeFileSync(join(pageDirectory, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(pageDirectory, 'assets', 'index-1.js'), '1')
  const inspector = await startInspector({
    pools: new Pools({ url }),
    port: 0,
    host: '127.0.0.1',
    isReadOnly: false,
    pageDirectory,
    ...options,
  })
  onTestFinished(() => inspector.close())
  return inspector
}

/** Waits until the inspector has seen what is on the broker. */
export async function seen({ inspector }: Inspected, name: string, text: string | null): Promise<void> {
  await waitFor(
    () => {
      const bytes = inspector.livePools.bytesOf(name)
      return (bytes === null ? null : new TextDecoder().decode(bytes)) === text
    },
    { what: `the inspector to see ${text} of ${name}` },
  )
}
