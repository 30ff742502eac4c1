import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { StoreOptions } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { withoutRevision } from '../helpers/bytes.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { openedAt, poolAt, proxied, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

interface Garage {
  counter: number
  tones: number[]
  config: { limits: number[]; name?: string }
}

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, () => startAedes()],
  ['Mosquitto', mosquittoAvailable, () => startMosquitto()],
  ['NATS', natsAvailable, () => startNats()],
]

for (const [name, runs, start] of brokers) {
  describe.skipIf(!runs)(`a store on ${name}`, () => {
    test('a device that waits for its first pool gets it as soon as a store for devices is open', async () => {
      const { url } = await running(start())
      const device = await connectClient(url)
      const heard: string[] = []
      device.on('message', (_, payload) => heard.push(payload.toString()))
      await device.subscribeAsync('stat/garage/PersistMQTT')
      const open = (options: StoreOptions) => openedAt(url, options)
      await open({})
      await open({ readOnly: true, compat: 'tasmota' })
      await open({ compat: 'tasmota', defaults: { counter: 1 } })
      // What is no object it does not take.
      const pools = () => heard.filter((text) => text.startsWith('{')).map(withoutRevision)
      await waitFor(() => pools().length > 0, { what: 'the first pool' })
      expect(pools()).toEqual(['{"counter":1}'])
      await open({ compat: 'tasmota', defaults: { counter: 2 } })
      expect(pools()).toEqual(['{"counter":1}'])
    })

    test('save() resolves when another client can read it, and a later store has it', async () => {
      const { url } = await running(start())
      const pt = await openedAt<Garage>(url)
      pt.counter = 0
      pt.tones = [600]
      for (let count = 1; count <= 5; count++) {
        pt.counter = count
        pt.tones.push(600 + count)
        await pt.save()
        expect(await poolAt(url)).toEqual({ counter: count, tones: pt.tones })
      }
      await pt.$close()
      const again = await openedAt<Garage>(url)
      expect(JSON.parse(JSON.stringify(again))).toEqual({ counter: 5, tones: [600, 601, 602, 603, 604, 605] })
    })

    test('nothing is sent when nothing has changed, and one message when something has', async () => {
      const { url } = await running(start())
      const client = await connectClient(url)
      const pools: string[] = []
      client.on('message', (_topic, payload) => pools.push(withoutRevision(payload.toString())))
      await client.subscribeAsync('stat/garage/PersistMQTT', { qos: 1 })
      const pt = await openedAt<Garage>(url)
      pt.config = { limits: [1, 2] }
      await pt.save()
      await pt.save()
      pt.config.limits[0] = 1
      await pt.save()
      pt.config.limits.push(3)
      await Promise.all([pt.save(), pt.save(), pt.save()])
      // Like the fence message of some store, which means nothing to this one; it comes after all that was sent.
      const end = '"persist-mqtt fence end"'
      await client.publishAsync('stat/garage/PersistMQTT', end, { qos: 1 })
      await waitFor(() => pools.includes(end), { what: 'the last message' })
      const objects = pools.filter((text) => text.startsWith('{'))
      expect(objects).toEqual(['{"config":{"limits":[1,2]}}', '{"config":{"limits":[1,2,3]}}'])
    })

    test('several stores on one broker keep to themselves, and two on one pool follow each other', async () => {
      const { url } = await running(start())
      const names = ['one', 'two', 'three']
      const stores = await Promise.all(names.map((each) => openedAt<Garage>(url, { name: each })))
      await Promise.all(
        stores.map((pt, index) => {
          pt.counter = index
          return pt.save()
        }),
      )
      for (const [index, each] of names.entries()) expect(await poolAt(url, each)).toEqual({ counter: index })
      const follower = await openedAt<Garage>(url, { name: 'two', readOnly: true })
      const [, two] = stores
      if (two === undefined) throw new Error('no second store')
      two.counter = 42
      await two.save()
      await waitFor(() => follower.counter === 42, { what: 'the follower' })
    })

    test('a pool as a Tasmota device writes it, at QoS 0, is read and written back', async () => {
      const { url } = await running(start())
      const client = await connectClient(url)
      const written = '{"tones":[600,700.5],"counter":-2147483648,"config":{"limits":[1.23457e+06],"name":"Grüße 🏡"}}'
      await client.publishAsync('stat/garage/PersistMQTT', written, { qos: 0, retain: true })
      await waitFor(() => poolAt(url), { what: 'the pool' })
      const pt = await openedAt<Garage>(url, { compat: 'tasmota' })
      expect(pt.counter).toBe(-2_147_483_648)
      pt.config.limits.push(2)
      await pt.save()
      expect(await poolAt(url)).toEqual({
        ...JSON.parse(written),
        config: { limits: [1_234_570, 2], name: 'Grüße 🏡' },
      })
      expect(() => {
        pt.counter = 2 ** 31
      }).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE' }))
    })
  })
}

describe.skipIf(!mosquittoAvailable)('Mosquitto loses what it had', () => {
  test('a pool that Mosquitto has lost is there again when the broker is', async () => {
    const broker = await running(startMosquitto())
    const pt = await openedAt<Garage>(broker.url)
    const healed: unknown[] = []
    pt.$on('heal', (event) => healed.push(event))
    pt.counter = 7
    await pt.save()
    await broker.kill('SIGKILL')
    await waitFor(() => pt.$status.state === 'offline', { what: 'offline' })
    pt.counter = 8
    const saving = pt.save()
    await broker.restart()
    await saving
    await waitFor(() => healed.length > 0, { what: "'heal'" })
    expect(await poolAt(broker.url)).toEqual({ counter: 8 })
    expect(pt.$status.state).toBe('ready')
  })
})

describe.skipIf(!mosquittoAvailable)('Mosquitto loses what it had, and somebody else writes first', () => {
  test.each([4, 5] as const)(
    'what somebody writes first at a Mosquitto that has lost the pool is merged with it (MQTT %i)',
    async (protocolVersion) => {
      const broker = await running(startMosquitto())
      const proxy = await proxied(broker.url)
      const pt = await openedAt<Garage>(proxy.url, { protocolVersion })
      pt.counter = 7
      pt.tones = [600]
      await pt.save()
      await waitFor(() => retainedAt(broker.url, 'stat/garage/PersistMQTT/owner'), { what: 'the owner' })
      // When this one is acknowledged, so is what said who the owner is.
      pt.tones.push(700)
      await pt.save()
      proxy.freeze()
      await broker.kill('SIGKILL')
      await broker.restart()
      const client = await connectClient(broker.url)
      await client.publishAsync('stat/garage/PersistMQTT', '{"theirs":1}', { qos: 1, retain: true })
      proxy.thaw()
      const merged = { counter: 7, tones: [600, 700], theirs: 1 }
      await waitFor(async () => JSON.stringify(await poolAt(broker.url))?.includes('counter'), { what: 'the merge' })
      expect(await poolAt(broker.url)).toEqual(merged)
      expect({ ...pt }).toEqual(merged)
    },
  )
})

describe('a broker that closes the connection at each write', () => {
  test('a broker that closes the connection at each write is told of after some attempts, and not asked all the time after that', async () => {
    let isAllowed = false
    let connections = 0
    const broker = await running(
      startAedes({
        authorizePublish: (_client, packet, done) => done(packet.retain && !isAllowed ? new Error('not you') : null),
      }),
    )
    broker.aedes().on('client', () => {
      connections += 1
    })
    // All pauses are a fifth of the longest then: 50 ms, 100, 200 and so on; and a second after three closed connections.
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.2)
    onTestFinished(() => random.mockRestore())
    const pt = await openedAt<Garage>(broker.url)
    pt.$on('error', () => {})
    const start = performance.now()
    pt.counter = 1
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    // It goes on trying, since what was to be saved is owed, but not all the time.
    await waitFor(() => connections >= 6, { what: 'six connections' })
    expect(performance.now() - start).toBeGreaterThan(1000)
    isAllowed = true
    await waitFor(async () => (await poolAt(broker.url)) !== undefined, { what: 'the pool', limitMs: 10_000 })
    expect(await poolAt(broker.url)).toEqual({ counter: 1 })
  })
})
