import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { lookPauseMs } from '../../../src/backends/mqtt/session.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import { startNatsCluster } from '../../helpers/nats-cluster.ts'
import { waitFor } from '../../helpers/wait.ts'
import { type BackendChoice, newTopic, openBackend } from './fixture.ts'
import { startRecordingProxy } from './recording-proxy.ts'

interface Place {
  /** Where the store is, and where others are. */
  readonly ports: readonly [number, number]
  stop(): Promise<void>
}

async function oneMosquitto(): Promise<Place> {
  const { port, stop } = await startMosquitto()
  return { ports: [port, port], stop }
}

async function threeNats(): Promise<Place> {
  const { nodes, stop } = await startNatsCluster()
  return { ports: [nodes[0]?.port ?? 0, nodes[1]?.port ?? 0], stop }
}

/** No broker in this process: its clock would go on as well. */
const brokers: readonly [name: string, runs: boolean, start: () => Promise<Place>][] = [
  ['Mosquitto', mosquittoAvailable, oneMosquitto],
  ['a cluster of NATS', natsAvailable, threeNats],
]

/** A backend through a proxy, another client, and the clock of all pauses in the test's hand. */
async function idle(start: () => Promise<Place>, choice: Partial<BackendChoice> = {}) {
  const { ports, stop } = await start()
  onTestFinished(stop)
  const proxy = await startRecordingProxy(ports[0])
  const topic = newTopic()
  const client = await connectClient(`mqtt://127.0.0.1:${ports[1]}`)
  const others = (text: string) => client.publishAsync(topic, text, { qos: 1, retain: true })
  const isKept = (text: string) =>
    waitFor(async () => (await poolTextAt(`mqtt://127.0.0.1:${ports[0]}`, topic)) === text, { what: 'the pool' })
  await others('{"n":1}')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = await openBackend({ url: proxy.url, topic, ...choice })
  const subscribes = () => proxy.records.filter(({ way, packets }) => way === 'up' && packets.includes('SUBSCRIBE'))
  return { ...store, proxy, others, isKept, subscribes }
}

describe.each(brokers)('a message that got lost on its way from %s', (_name, runs, start) => {
  test.skipIf(!runs).each(['owner', 'guest'] as const)(
    'is seen by an idle %s within a minute',
    { timeout: 60_000 },
    async (role) => {
      const { proxy, others, isKept, told, wait } = await idle(start, { role })
      const lost = proxy.losePublish('{"n":2}')
      await Promise.all([others('{"n":2}'), lost])
      await isKept('{"n":2}')
      expect(told).toEqual([])
      vi.advanceTimersByTime(60_000)
      expect(await wait('reread')).toEqual({ reread: '{"n":2}' })
    },
  )
})

test.skipIf(!mosquittoAvailable)('nothing is read again where something has happened since', async () => {
  const { write, subscribes } = await idle(oneMosquitto)
  await write('{"n":2}')
  const before = subscribes().length
  vi.advanceTimersByTime(29_000)
  await write('{"n":3}')
  vi.advanceTimersByTime(31_000)
  // Whatever a look sends goes out before this.
  await write('{"n":4}')
  expect(subscribes()).toHaveLength(before)
  vi.advanceTimersByTime(120_000)
  await waitFor(() => subscribes().length > before, { what: 'the look' })
})

test('what is retained comes back whole, so the larger it is the less often it is read again', () => {
  expect([0, 1200, 100_000].map(lookPauseMs)).toEqual([30_000, 30_000, 30_000])
  expect([1_000_000, 12_000_000].map(lookPauseMs)).toEqual([300_000, 3_600_000])
})
