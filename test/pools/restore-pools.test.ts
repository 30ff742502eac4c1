import { connectAsync } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { Pools, type PoolsOptions } from '../../src/pools/pools.ts'
import { type Restored, restorePools } from '../../src/pools/restore-pools.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { withoutRevision } from '../helpers/bytes.ts'
import { startFaultProxy } from '../helpers/fault-proxy.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { editedAt, openedAt, poolAt, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

const LIMIT = { timeout: 60_000 }
const topicOf = (name: string) => `stat/${name}/PersistMQTT`
const bytesOf = (text: string) => new TextEncoder().encode(text)
const nameOf = (index: number) => `p${String(index).padStart(4, '0')}`
const namesOf = (count: number) => Array.from({ length: count }, (_, index) => nameOf(index))

async function put(url: string, pools: Readonly<Record<string, string>>, options = {}): Promise<void> {
  const client = await connectClient(url, options)
  for (const [name, text] of Object.entries(pools)) {
    await client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  }
  await client.endAsync()
}

/** All pools on a broker, as a client of its own gets them, without their revisions. */
async function keptAt(url: string, count: number, options = {}): Promise<Map<string, string>> {
  const client = await connectAsync(url, { protocolVersion: 4, ...options })
  onTestFinished(() => void client.end(true))
  const kept = new Map<string, string>()
  client.on('message', (topic, payload) => {
    kept.set(topic.split('/')[1] as string, withoutRevision(payload.toString('latin1')))
  })
  await client.subscribeAsync('stat/+/PersistMQTT', { qos: 0 })
  await waitFor(() => kept.size >= count, { what: `${count} pools, not ${kept.size}` }).catch(() => {})
  await client.endAsync()
  return kept
}

/** The codes of the pools that failed, by name. */
function failuresIn(restored: Restored): Record<string, string> {
  return Object.fromEntries(
    [...restored].flatMap(([name, result]) => (result instanceof Error ? [[name, result.code]] : [])),
  )
}

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>, options: PoolsOptions][] = [
  ['Mosquitto, MQTT 5', mosquittoAvailable, startMosquitto, {}],
  ['Mosquitto, MQTT 3.1.1', mosquittoAvailable, startMosquitto, { protocolVersion: 4 }],
  ['Aedes', true, startAedes, {}],
  ['NATS', natsAvailable, startNats, {}],
]

describe.skipIf(!mosquittoAvailable)('an owner whose link was broken meanwhile', () => {
  test.each(['of its own', 'of nobody', 'of an editor'])(
    'takes what was restored over a pool %s, removals too',
    async (whose) => {
      const broker = await running(startMosquitto())
      const { url } = broker
      let isCut = false
      const proxy = await startFaultProxy(() => (isCut ? { port: 1 } : broker))
      onTestFinished(() => proxy.close())
      const pt = await openedAt(proxy.url, { name: 'p0000' })
      Object.assign(pt, { kept: 1, changed: 1, removed: 1 })
      await pt.save()
      isCut = true
      proxy.cut()
      const isOffline = async () => (await retainedAt(url, 'stat/p0000/PersistMQTT/owner'))?.payload.includes('false')
      await waitFor(isOffline, { what: 'the end of the owner' })
      if (whose === 'of nobody') await put(url, { p0000: '' })
      if (whose === 'of an editor') await (await editedAt(url, { name: 'p0000' })).patch({ removed: 2 })
      const wanted = [{ name: 'p0000', bytes: bytesOf('{"kept":1,"changed":2,"added":2}') }]
      expect(failuresIn(await restorePools(new Pools({ url }), wanted))).toEqual({})
      isCut = false
      await waitFor(() => pt.added === 2, { what: 'what was restored' })
      const as = { kept: 1, changed: 2, ...(whose === 'of nobody' && { removed: 1 }), added: 2 }
      expect({ ...pt }).toEqual(as)
      await pt.save()
      expect(await poolAt(url, 'p0000')).toEqual(as)
    },
  )
})

describe.each(brokers)('many pools at %s', (_name, runs, start, options) => {
  test.skipIf(!runs)(
    '2,000 pools are restored byte for byte, and once more where some have changed',
    LIMIT,
    async () => {
      const { url } = await running(start())
      const pools = new Pools({ url, ...options })
      const wanted = namesOf(2000).map((name, index) => ({
        name,
        // Some that are no pools, and no UTF-8.
        bytes:
          index % 100 === 7 ? Uint8Array.of(0x7b, 0xff, index >> 8, index & 0xff) : bytesOf(`{"x": 1.0, "n":${index}}`),
      }))
      const as = new Map(wanted.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('latin1')]))
      const told: number[] = []
      const restored = await restorePools(pools, wanted, { onDone: (count) => told.push(count) })
      expect([failuresIn(restored), restored.size, told.at(-1)]).toEqual([{}, 2000, 2000])
      expect(await keptAt(url, 2000)).toEqual(as)
      await put(url, { p0000: '{}', p0150: '', p1999: '{"other":1}' })
      expect(failuresIn(await restorePools(pools, wanted))).toEqual({})
      expect(await keptAt(url, 2000)).toEqual(as)
    },
  )

  test.skipIf(!runs)(
    'what has changed since it was looked at is left as it is, and the others are restored',
    async () => {
      const { url } = await running(start())
      await put(url, { p0001: '{"old":1}', p0002: '{"old":2}', p0003: '{"new":3}', p0004: '{"new":4}' })
      const pools = new Pools({ url, ...options })
      const seen = (text: string | null) => ({ bytes: text === null ? null : bytesOf(text), owner: 'none' as const })
      const restored = await restorePools(pools, [
        { name: 'p0001', bytes: bytesOf('{"a":1}'), seen: seen('{"old":1}') },
        { name: 'p0002', bytes: bytesOf('{"a":2}'), seen: seen(null) },
        { name: 'p0003', bytes: bytesOf('{"a":3}'), seen: seen('{"old":3}') },
        // Somebody else was there first, with the same.
        { name: 'p0004', bytes: bytesOf('{"new":4}'), seen: seen('{"old":4}') },
        { name: 'p0005', bytes: bytesOf('{"a":5}'), seen: seen(null) },
      ])
      expect(failuresIn(restored)).toEqual({ p0002: 'ERR_PERSIST_FAILED', p0003: 'ERR_PERSIST_FAILED' })
      expect(Object.fromEntries(await keptAt(url, 5))).toEqual({
        p0001: '{"a":1}',
        p0002: '{"old":2}',
        p0003: '{"new":3}',
        p0004: '{"new":4}',
        p0005: '{"a":5}',
      })
    },
  )

  test.skipIf(!runs)('a program that owns a pool is asked', LIMIT, async () => {
    const { url } = await running(start())
    const pt = await openStore({ url, name: 'p0042', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.mine = 1
    await pt.save()
    await waitFor(() => retainedAt(url, `${topicOf('p0042')}/owner`), { what: 'the owner to say that it is one' })
    const wanted = namesOf(150).map((name) => ({ name, bytes: bytesOf('{"x":1}') }))
    const restored = await restorePools(new Pools({ url, ...options }), wanted)
    expect([failuresIn(restored), restored.get('p0041'), restored.get('p0042')]).toEqual([{}, 'direct', 'owner'])
    expect({ ...pt }).toEqual({ x: 1 })
    expect((await keptAt(url, 150)).size).toBe(150)
  })
})
