import { describe, expect, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { type MosquittoOptions, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import { startNats } from '../../helpers/nats.ts'
import { waitFor } from '../../helpers/wait.ts'
import { bytesOf, observe, openBackend, poolAt, retain, stopped, TOPIC, textOf } from './fixture.ts'

interface Setting {
  readonly name: string
  readonly runs: boolean
  readonly protocolVersion: 'auto' | 4 | 5
  /** What is spoken in the end. */
  readonly speaks: 4 | 5
  /** The broker's url for the backend, and for bare clients. */
  start(): Promise<{ url: string; bareUrl: string }>
}

const mosquitto = async (options: MosquittoOptions = {}) => {
  const broker = await stopped(startMosquitto(options))
  return { url: broker.webSocketUrl ?? broker.url, bareUrl: broker.url }
}
const aedes = async () => {
  const { url, webSocketUrl } = await stopped(startAedes())
  return { url, bareUrl: url, webSocketUrl }
}
const nats = async () => {
  const { url } = await stopped(startNats())
  return { url, bareUrl: url }
}

const settings: readonly Setting[] = [
  { name: 'Aedes, which refuses MQTT 5', runs: true, protocolVersion: 'auto', speaks: 4, start: aedes },
  {
    name: 'Aedes over WebSocket',
    runs: true,
    protocolVersion: 'auto',
    speaks: 4,
    start: async () => {
      const { url, webSocketUrl } = await aedes()
      return { url: webSocketUrl, bareUrl: url }
    },
  },
  { name: 'Mosquitto', runs: mosquittoAvailable, protocolVersion: 'auto', speaks: 5, start: mosquitto },
  { name: 'Mosquitto, 3.1.1', runs: mosquittoAvailable, protocolVersion: 4, speaks: 4, start: mosquitto },
  { name: 'Mosquitto, MQTT 5', runs: mosquittoAvailable, protocolVersion: 5, speaks: 5, start: mosquitto },
  {
    name: 'Mosquitto over WebSocket',
    runs: mosquittoAvailable,
    protocolVersion: 'auto',
    speaks: 5,
    start: () => mosquitto({ webSocket: true }),
  },
  { name: 'NATS, which refuses MQTT 5', runs: natsAvailable, protocolVersion: 'auto', speaks: 4, start: nats },
]

for (const { name, runs, protocolVersion, speaks, start } of settings) {
  describe.skipIf(!runs)(`on ${name}`, () => {
    test('an empty topic is known to be empty, and the first write is kept', async () => {
      const { url, bareUrl } = await start()
      const { held, write, listener, backend } = await openBackend({ url, protocolVersion })
      expect(held).toMatchObject({ bytes: null, proof: 'fence', protocolVersion: speaks })
      expect(backend.place).toBe(`${url} ${TOPIC}`)
      expect(await write('{"a":1}')).toBe('written')
      const packet = await retainedAt(bareUrl, TOPIC)
      expect(packet).toMatchObject({ retain: true, qos: 1 })
      expect(packet?.payload.toString()).toBe('{"a":1}')
      for (const text of ['{"a":2}', '{"a":1}', '{"a":1}']) {
        expect(await write(text)).toBe('written')
        expect(await poolAt(bareUrl)).toBe(text)
      }
      expect(listener.calls).toEqual([])
    })

    test('a pool is found as it is', async () => {
      const { url, bareUrl } = await start()
      const text = JSON.stringify({ text: 'Grüße \u0001 🏡', long: 'x'.repeat(100_000) })
      await retain(bareUrl, text)
      const { held, listener, write } = await openBackend({ url, protocolVersion })
      expect(textOf(held.bytes)).toBe(text)
      expect(held.proof).toBe('fence')
      await write('{}')
      expect(listener.calls).toEqual([])
    })

    test('who else has it open sees each write and the deletion, and nothing of its own', async () => {
      const { url, bareUrl } = await start()
      const first = await openBackend({ url, protocolVersion })
      const second = await openBackend({ url, protocolVersion })
      await first.write('{"by":1}')
      await waitFor(() => second.listener.changes.length === 1, { what: 'the first change' })
      expect(await second.write('{"by":2}')).toBe('written')
      await waitFor(() => first.listener.changes.length === 1, { what: 'the second change' })
      await retain(bareUrl, '')
      await waitFor(() => first.listener.changes.length + second.listener.changes.length === 4, {
        what: 'the deletion',
      })
      expect(second.listener.changes).toEqual(['{"by":1}', null])
      expect(first.listener.changes).toEqual(['{"by":2}', null])
      expect(await first.write('{"by":3}')).toBe('written')
      expect(await poolAt(bareUrl)).toBe('{"by":3}')
    })

    test('it looks a second time before the first write, with what no device takes for a pool', async () => {
      const { url, bareUrl } = await start()
      const { seen } = await observe(bareUrl)
      const { write } = await openBackend({ url, protocolVersion })
      expect(seen).toEqual([])
      await write('{"a":1}')
      await write('{"a":2}')
      await waitFor(() => seen.length >= 3, { what: 'a look and two pools' })
      const [look, ...pools] = seen.map((packet) => packet.payload.toString())
      expect(pools).toEqual(['{"a":1}', '{"a":2}'])
      expect(look).toMatch(/^"persist-mqtt fence [0-9a-f]{16}"$/)
      expect(seen[0]?.retain).toBe(false)
      const later = await openBackend({ url, protocolVersion })
      await later.write('{"a":3}')
      await waitFor(() => seen.at(-1)?.payload.toString() === '{"a":3}', { what: 'the third pool' })
      // Where there is a pool there is nothing to look for.
      expect(seen).toHaveLength(4)
    })
  })
}

test.skipIf(!mosquittoAvailable)('a pool that came after opening is not written over', async () => {
  const { url } = await stopped(startMosquitto())
  const { write, listener } = await openBackend({ url })
  await retain(url, '{"theirs":1}')
  // Whether the message or the write is first: it is reported once, and a first write does not replace it unseen.
  const outcome = await write('{"ours":1}')
  expect(listener.changes[0]).toBe('{"theirs":1}')
  expect(await poolAt(url)).toBe(outcome === 'written' ? '{"ours":1}' : '{"theirs":1}')
})

test('fence messages of other stores, and of a store with the same client id form, mean nothing', async () => {
  const { url } = await stopped(startAedes())
  const { listener, write } = await openBackend({ url })
  const client = await connectClient(url)
  await client.publishAsync(TOPIC, '"persist-mqtt fence 0123456789abcdef"', { qos: 1 })
  await client.publishAsync(TOPIC, '{"theirs":1}', { qos: 1, retain: true })
  await waitFor(() => listener.changes.length > 0, { what: 'the change' })
  expect(listener.changes).toEqual(['{"theirs":1}'])
  expect(await write('{}')).toBe('written')
})

test('each of many writers in turn is seen by all, and none sees itself', async () => {
  const { url } = await stopped(startAedes())
  const all = await Promise.all(Array.from({ length: 5 }, () => openBackend({ url })))
  for (const [index, { write }] of all.entries()) await write(`{"by":${index}}`)
  await waitFor(() => all.every(({ listener }) => listener.changes.length === 4), { what: 'all changes' })
  for (const [index, { listener }] of all.entries()) {
    expect(listener.changes).toEqual([0, 1, 2, 3, 4].filter((by) => by !== index).map((by) => `{"by":${by}}`))
  }
})

test('what was given to write may be changed at once', async () => {
  const { url } = await stopped(startAedes())
  const { backend } = await openBackend({ url })
  const bytes = Buffer.from('{"a":1}')
  const writing = backend.write(bytes, 2000)
  bytes.fill(0x20)
  expect(await writing).toBe('written')
  expect(await poolAt(url)).toBe('{"a":1}')
  expect(bytesOf('{"a":1}')).toHaveLength(7)
})
