import { keyvIteratorTests, default as keyvTestSuite } from '@keyv/test-suite'
import Keyv5 from 'keyv'
import Keyv6, { KeyvBridgeAdapter } from 'keyv-6'
import * as vitest from 'vitest'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KeyValueOptions, KeyvPersistMqtt } from '../../src/adapters/keyv.ts'
import { openStore, type PersistError, type Store } from '../../src/index.ts'
import { memoryBackend } from '../../src/memory.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type Mosquitto, startMosquitto } from '../helpers/mosquitto.ts'
import { waitFor } from '../helpers/wait.ts'

/** What Keyv 5 and 6 have alike. */
interface AnyKeyv {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, ttl?: number): Promise<boolean>
  has(key: string): Promise<boolean>
  clear(): Promise<void>
  disconnect(): Promise<void>
  on(event: 'error', listener: (error: PersistError) => void): unknown
  iterator?: unknown
}

const VERSIONS = [
  ['5', Keyv5 as unknown as new (options: object) => AnyKeyv],
  ['6', Keyv6 as unknown as new (options: object) => AnyKeyv],
] as const

/** Keyv 6 answers for each key. */
const ONLY_5 = '.deleteMany([keys]) with nonexistent keys resolves to false'

async function entriesOf(keyv: AnyKeyv): Promise<unknown[]> {
  const entries: unknown[] = []
  for await (const entry of (keyv.iterator as () => AsyncIterable<unknown>)()) entries.push(entry)
  return entries
}

describe.skipIf(!mosquittoAvailable).each(VERSIONS)('Keyv %s on Mosquitto', (version, Keyv) => {
  let broker: Mosquitto
  let pt: Store
  beforeAll(async () => {
    broker = await startMosquitto()
    pt = await openStore({ url: broker.url, name: `suite-${version}` })
  })
  afterAll(async () => {
    await pt.$close()
    await broker.stop()
  })

  describe("Keyv's own tests", () => {
    const store = () => new KeyvPersistMqtt({ store: pt })
    const it = (title: string, run: () => unknown) => {
      if (version === '5' || title !== ONLY_5) test(title, run)
    }
    keyvTestSuite({ ...vitest, it } as never, Keyv as never, store)
    keyvIteratorTests(vitest as never, Keyv as never, store)
  })

  test('what expires is removed from the broker', async () => {
    const keyv = new Keyv({ store: new KeyvPersistMqtt({ store: pt }) })
    await keyv.set('short', 1, 300)
    const key = version === '5' ? 'keyv:short' : 'short'
    expect(pt[key]).toEqual({ value: 1, expires: expect.any(Number) })
    await waitFor(() => !pt.has(key), { what: 'the removal' })
    expect(await keyv.has('short')).toBe(false)
  })

  test('an error is told once', async () => {
    const away = await startMosquitto()
    onTestFinished(() => away.stop())
    await away.kill()
    const keyv = keyvOf({ url: away.url, name: 'away', openTimeoutMs: 500 })
    const errors: PersistError[] = []
    keyv.on('error', (error) => errors.push(error))
    expect(await keyv.get('a')).toBeUndefined()
    expect(await keyv.set('a', 1)).toBe(false)
    expect(errors.map(({ code }) => code)).toEqual(['ERR_PERSIST_CONNECT', 'ERR_PERSIST_CONNECT'])
  })

  test('an error of no call, to which nobody listens, does not end the program', async () => {
    const said: string[] = []
    const note = (warning: Error) => void said.push(String((warning as PersistError).code))
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const small = await openStore({ url: broker.url, name: 'unheard', maxBytes: 60, autosave: { delayMs: 1 } })
    onTestFinished(() => small.$close().catch(() => {}))
    const keyv = new Keyv({ store: new KeyvPersistMqtt({ store: small, wait: false }) })
    await keyv.get('a')
    const failed = new Promise((resolve) => small.$on('error', resolve))
    small.b = 'x'.repeat(100)
    await failed
    // Nothing is uncaught, which would fail this test. Keyv 5 is silent where nobody listens.
    if (version === '6') await waitFor(() => said.includes('ERR_PERSIST_TOO_LARGE'), { what: 'the warning' })
    small.remove('b')
  })

  function keyvOf(options: KeyValueOptions): AnyKeyv {
    const keyv = new Keyv({ store: new KeyvPersistMqtt(options) })
    onTestFinished(() => keyv.disconnect())
    return keyv
  }
})

describe('two namespaces on one adapter', () => {
  const two = async (Keyv: (typeof VERSIONS)[number][1]) => {
    const store = new KeyvPersistMqtt({ backend: memoryBackend() })
    onTestFinished(() => store.disconnect())
    const a = new Keyv({ store, namespace: 'a' })
    const b = new Keyv({ store, namespace: 'b' })
    await a.set('k', 'of a')
    await b.set('k', 'of b')
    expect(await entriesOf(a)).toEqual([['k', 'of a']])
    expect(await entriesOf(b)).toEqual([['k', 'of b']])
    return { a, b }
  }

  test('with Keyv 6, clear() removes what is in its own', async () => {
    const { a, b } = await two(VERSIONS[1][1])
    await a.clear()
    expect([await a.get('k'), await b.get('k')]).toEqual([undefined, 'of b'])
  })

  test('with Keyv 5, which does not say whose clear() it is, it removes nothing, and says how it would', async () => {
    const { a, b } = await two(VERSIONS[0][1])
    const errors: PersistError[] = []
    a.on('error', (error) => errors.push(error))
    await a.clear()
    expect([await a.get('k'), await b.get('k')]).toEqual(['of a', 'of b'])
    expect(errors).toMatchObject([{ code: 'ERR_PERSIST_OPTION', message: expect.stringContaining('{ store: pt }') }])
    const pt = await openStore({ backend: memoryBackend() })
    onTestFinished(() => pt.$close())
    const [c, d] = ['c', 'd'].map((namespace) => new Keyv5({ store: new KeyvPersistMqtt({ store: pt }), namespace }))
    await c?.set('k', 1)
    await d?.set('k', 2)
    await c?.clear()
    expect({ ...pt }).toEqual({ 'd:k': { value: 2 } })
  })

  test('what Keyv 5 has kept is found with Keyv 6', async () => {
    const pt = await openStore({ backend: memoryBackend() })
    onTestFinished(() => pt.$close())
    const store = new KeyvPersistMqtt({ store: pt })
    await new Keyv5({ store }).set('answer', 42)
    const names = { namespace: 'keyv', namespaceSeparator: ':' }
    const keyv = new Keyv6({ store: new KeyvBridgeAdapter(new KeyvPersistMqtt({ store: pt }) as never, names) })
    expect(await keyv.get('answer')).toBe(42)
    await keyv.set('answer', 43)
    expect({ ...pt }).toEqual({ 'keyv:answer': { value: 43 } })
  })
})
