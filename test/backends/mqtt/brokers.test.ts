import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { textOf } from '../../helpers/bytes.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import { startNats } from '../../helpers/nats.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { waitFor } from '../../helpers/wait.ts'
import { newTopic, openBackend } from './fixture.ts'

interface Case {
  name: string
  available: boolean
  start(): Promise<RunningBroker & { webSocketUrl?: string | undefined }>
  scheme: 'tcp' | 'ws'
  protocolVersion: 'auto' | 4 | 5
  /** The version that must come of it. */
  speaks: 4 | 5
}

const mosquitto = { available: mosquittoAvailable, start: () => startMosquitto({ webSocket: true }) }
const aedes = { available: true, start: () => startAedes() }
const nats = { available: natsAvailable, start: () => startNats() }

const CASES: Case[] = [
  { name: 'Mosquitto, MQTT 5', ...mosquitto, scheme: 'tcp', protocolVersion: 'auto', speaks: 5 },
  { name: 'Mosquitto, MQTT 3.1.1', ...mosquitto, scheme: 'tcp', protocolVersion: 4, speaks: 4 },
  { name: 'Mosquitto, WebSocket', ...mosquitto, scheme: 'ws', protocolVersion: 'auto', speaks: 5 },
  { name: 'Aedes', ...aedes, scheme: 'tcp', protocolVersion: 'auto', speaks: 4 },
  { name: 'Aedes, WebSocket', ...aedes, scheme: 'ws', protocolVersion: 'auto', speaks: 4 },
  { name: 'NATS', ...nats, scheme: 'tcp', protocolVersion: 'auto', speaks: 4 },
]

for (const { name, available, start, scheme, protocolVersion, speaks } of CASES) {
  describe.skipIf(!available)(name, () => {
    let broker: Awaited<ReturnType<Case['start']>>
    let url: string
    beforeAll(async () => {
      broker = await start()
      url = scheme === 'ws' ? (broker.webSocketUrl ?? '') : broker.url
    })
    afterAll(() => broker.stop())

    test('an empty pool is known to be empty, by the fence', async () => {
      const { held } = await openBackend({ url, protocolVersion })
      expect(held).toMatchObject({ bytes: null, proof: 'fence', protocolVersion: speaks })
    })

    test('what is written is retained and found by the next backend, also a big pool', async () => {
      const topic = newTopic()
      const first = await openBackend({ url, topic, protocolVersion })
      // Mosquitto 2.0 reads some 40 KB a second from a WebSocket.
      const size = name === 'Mosquitto, WebSocket' ? 8000 : 300_000
      const pools = ['{"a":1}', `{"a":"${'x'.repeat(size)}"}`, '{"a":2}']
      for (const pool of pools) {
        expect(await first.write(pool)).toBe('written')
        expect((await retainedAt(broker.url, topic))?.payload.toString()).toBe(pool)
      }
      const second = await openBackend({ url, topic, protocolVersion })
      expect(textOf(second.held.bytes)).toBe('{"a":2}')
      expect(first.told).toEqual([])
    })

    test('what others write and delete is told in its order, what was written here is not', async () => {
      const topic = newTopic()
      const { write, told } = await openBackend({ url, topic, protocolVersion })
      await write('{"a":1}')
      const other = await connectClient(broker.url)
      for (const payload of ['{"a":2}', '', '{"a":3}']) {
        await other.publishAsync(topic, payload, { qos: 1, retain: true })
      }
      await waitFor(() => told.length >= 3, { what: 'three changes' })
      await write('{"a":4}')
      expect(told).toEqual([{ changed: '{"a":2}' }, { changed: null }, { changed: '{"a":3}' }])
    })

    test('a pool that was written after opening is found by the second look, and not overwritten', async () => {
      const topic = newTopic()
      const one = await openBackend({ url, topic, protocolVersion })
      const other = await openBackend({ url, topic, protocolVersion })
      expect(await one.write('{"a":1}')).toBe('written')
      await other.wait('changed')
      expect(other.told).toEqual([{ changed: '{"a":1}' }])
      expect(one.told).toEqual([])
    })

    test('nobody is disturbed by the fences: subscribers see pools, and short strings that are no pool', async () => {
      const topic = newTopic()
      const seen: string[] = []
      const subscriber = await connectClient(broker.url)
      subscriber.on('message', (_topic, payload) => seen.push(payload.toString()))
      await subscriber.subscribeAsync(topic, { qos: 1 })
      const { write } = await openBackend({ url, topic, protocolVersion })
      await write('{"a":1}')
      await write('{"a":2}')
      await waitFor(() => seen.includes('{"a":2}'), { what: 'the last pool' })
      expect(seen).toEqual([expect.stringMatching(/^"persist-mqtt fence [0-9a-f]{16}"$/), '{"a":1}', '{"a":2}'])
    })

    test('a backend comes back after the broker was restarted, and tells what is held then', async () => {
      const own = await start()
      onTestFinished(() => own.stop())
      const ownUrl = scheme === 'ws' ? (own.webSocketUrl ?? '') : own.url
      const { write, wait, told } = await openBackend({ url: ownUrl, protocolVersion })
      await write('{"a":1}')
      await own.restart()
      const { offline } = await wait('offline')
      expect(offline).toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
      const { online } = await wait('online')
      // NATS keeps it on disk; the others begin with nothing.
      expect(textOf(online.bytes)).toBe(name === 'NATS' ? '{"a":1}' : null)
      expect(await write('{"a":2}')).toBe('written')
      expect(told).toHaveLength(2)
    })
  })
}
