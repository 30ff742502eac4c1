import type { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { Pools } from '../../src/pools/pools.ts'
import { watchPools } from '../../src/pools/watch-pools.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

/** The part of Aedes that its types leave out. */
interface Persisting {
  readonly persistence: {
    createRetainedStream(pattern: string): Readable
    createRetainedStreamCombi(patterns: string[]): Readable
  }
}

async function listed(pools: Pools) {
  const names: string[] = []
  const { isComplete, why } = await pools.list((name) => void names.push(name))
  return { names: names.sort(), isComplete, why }
}

/** What is told of all pools until the test ends, once all are known. */
async function watched(pools: Pools) {
  const told = { found: [] as string[], changed: [] as string[], complete: undefined as boolean | undefined }
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const listener = {
    found: (name: string) => void told.found.push(name),
    changed: (name: string) => void told.changed.push(name),
    ready: (_: number, isComplete: boolean) => {
      told.complete = isComplete
    },
    owned: () => {},
    offline: () => {},
  }
  const watching = watchPools(pools, undefined, listener, ending.signal)
  await Promise.race([waitFor(() => told.complete !== undefined, { what: 'all pools' }), watching])
  return told
}

async function put(url: string, ...names: string[]) {
  const client = await connectClient(url)
  for (const name of names) await client.publishAsync(`stat/${name}/PersistMQTT`, '{"a":1}', { qos: 1, retain: true })
  return client
}

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>][] = [
  ['Mosquitto', mosquittoAvailable, startMosquitto],
  ['Aedes', true, startAedes],
  ['NATS', natsAvailable, startNats],
]

for (const [broker, runs, start] of brokers) {
  test.skipIf(!runs)(`names of several levels are listed and watched, with their owners: ${broker}`, async () => {
    const { url, stop } = await start()
    onTestFinished(() => stop())
    const pt = await openStore({ url, name: 'house/garage' })
    onTestFinished(() => pt.$close())
    pt.counter = 1
    await pt.save()
    const client = await put(url, 'attic', 'a/b/c/d')
    await client.publishAsync('tele/a/b/c/d/LWT', 'Online', { qos: 1, retain: true })
    const pools = new Pools({ url })
    const names = ['a/b/c/d', 'attic', 'house/garage']
    expect(await listed(pools)).toEqual({ names, isComplete: 'yes', why: undefined })
    expect(names.map((name) => pools.owners.of(name))).toEqual(['device', 'none', 'program'])
    const told = await watched(pools)
    expect([told.found.sort(), told.complete]).toEqual([names, true])
    await put(url, 'x/y')
    await waitFor(() => told.changed.includes('x/y'), { what: 'the new pool' })
  })
}

test('where nothing follows the name in the topic, the owner of a pool is no pool', async () => {
  const { url, stop } = await startAedes()
  onTestFinished(() => stop())
  const topic = 'pools/{name}'
  const pt = await openStore({ url, topic, name: 'garage' })
  onTestFinished(() => pt.$close())
  pt.counter = 1
  await pt.save()
  const pools = new Pools({ url, topic })
  expect(await listed(pools)).toMatchObject({ names: ['garage'], isComplete: 'yes' })
  expect(pools.owners.of('garage')).toBe('program')
})

describe('a list is not called complete', () => {
  test.each([
    ['refuses', null],
    ['closes the connection at', new Error('no')],
  ])('where the broker %s filters for names of several levels', async (_, answer) => {
    const isDeep = (topic: string) => /\+\/\+/.test(topic)
    const { url, stop } = await startAedes({
      authorizeSubscribe: (_client, subscription, done) =>
        isDeep(subscription.topic) ? done(answer, null) : done(null, subscription),
    })
    onTestFinished(() => stop())
    await put(url, 'attic', 'house/garage')
    const pools = new Pools({ url })
    expect(await listed(pools)).toEqual({ names: ['attic'], isComplete: 'unknown', why: 'levels' })
    expect(await watched(pools)).toMatchObject({ found: ['attic'], complete: false })
  })

  test('where the broker sends nothing that is retained to wildcards', async () => {
    const broker = await startAedes()
    onTestFinished(() => broker.stop())
    const { persistence } = broker.aedes() as unknown as Persisting
    const all = persistence.createRetainedStreamCombi.bind(persistence)
    const named = (patterns: string[]) => patterns.filter((pattern) => !/[+#]/.test(pattern))
    persistence.createRetainedStreamCombi = (patterns: string[]) => all(named(patterns))
    const pools = new Pools({ url: broker.url })
    expect(await listed(pools)).toEqual({ names: [], isComplete: 'unknown', why: 'wildcard' })
    await put(broker.url, 'attic')
    expect(await listed(pools)).toEqual({ names: [], isComplete: 'unknown', why: 'wildcard' })
    expect(await watched(pools)).toMatchObject({ found: [], complete: false })
  })
})

test.skipIf(!mosquittoAvailable).each([4, 5] as const)(
  'a list of a broker that keeps nothing is not called complete (MQTT %i)',
  async (protocolVersion) => {
    const { url, stop } = await startMosquitto({ config: ['retain_available false'] })
    onTestFinished(() => stop())
    const pools = new Pools({ url, protocolVersion })
    expect(await listed(pools)).toEqual({ names: [], isComplete: 'unknown', why: 'wildcard' })
  },
)

test('a list of no pools is complete, and leaves nothing behind', async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  expect(await listed(new Pools({ url: broker.url }))).toEqual({ names: [], isComplete: 'yes', why: undefined })
  const retained = (broker.aedes() as unknown as Persisting).persistence.createRetainedStream('#')
  expect(await retained.toArray()).toEqual([])
})
