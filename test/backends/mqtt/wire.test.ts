import { describe, expect, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { startNats } from '../../helpers/nats.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Listener, makeBackend, openBackend, retain, stopped } from './fixture.ts'
import { type Segment, startRecordingProxy } from './recording-proxy.ts'

const brokers: readonly [name: string, runs: boolean, version: 4 | 5, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, 4, () => startAedes()],
  ['Mosquitto 3.1.1', mosquittoAvailable, 4, () => startMosquitto()],
  ['Mosquitto 5', mosquittoAvailable, 5, () => startMosquitto()],
  ['NATS', natsAvailable, 4, () => startNats()],
]

const sent = (segments: readonly Segment[]) =>
  segments.filter(({ from }) => from === 'client').map(({ packets }) => packets)
const answered = (segments: readonly Segment[]) =>
  segments.filter(({ from }) => from === 'broker').flatMap(({ packets }) => packets)

for (const [name, runs, protocolVersion, start] of brokers) {
  describe.skipIf(!runs)(`on the wire to ${name}`, () => {
    test('opening asks in one segment after CONNACK, and waits for no answer in between', async () => {
      const broker = await stopped(start())
      const proxy = await startRecordingProxy(broker.url)
      // All that comes after CONNACK is held back, and yet there is nothing more that is sent.
      proxy.holdBack('SUBACK')
      const backend = makeBackend({ url: proxy.url, protocolVersion })
      const opening = backend.open(new Listener(), 5000)
      await waitFor(() => sent(proxy.segments).length === 2, { what: 'the question' })
      expect(sent(proxy.segments)).toEqual([['CONNECT'], ['SUBSCRIBE', 'PUBLISH qos1']])
      expect(answered(proxy.segments)).toEqual(['CONNACK'])
      proxy.release()
      expect((await opening).bytes).toBeNull()
      // The echo is acknowledged, and the rest of the conversation is silence.
      await waitFor(() => sent(proxy.segments).length === 3, { what: 'the PUBACK' })
      expect(sent(proxy.segments).slice(2)).toEqual([['PUBACK']])
      expect(answered(proxy.segments).toSorted()).toEqual(['CONNACK', 'PUBACK', 'PUBLISH qos1', 'SUBACK'])
    })

    test('a pool comes with the same question', async () => {
      const broker = await stopped(start())
      await retain(broker.url, '{"a":1}')
      const proxy = await startRecordingProxy(broker.url)
      const { held } = await openBackend({ url: proxy.url, protocolVersion })
      expect(held.bytes).not.toBeNull()
      expect(sent(proxy.segments).slice(0, 2)).toEqual([['CONNECT'], ['SUBSCRIBE', 'PUBLISH qos1']])
      const retained = answered(proxy.segments).filter((packet) => packet === 'PUBLISH qos1 retain')
      expect(retained).toHaveLength(1)
      expect(answered(proxy.segments).indexOf('PUBLISH qos1 retain')).toBeLessThan(
        answered(proxy.segments).lastIndexOf('PUBLISH qos1'),
      )
    })

    test('from the second on, a write is one PUBLISH and what answers it', async () => {
      const broker = await stopped(start())
      const proxy = await startRecordingProxy(broker.url)
      const { write } = await openBackend({ url: proxy.url, protocolVersion })
      const packetsOf = async (text: string) => {
        const from = sent(proxy.segments).flat().length
        await write(text)
        return sent(proxy.segments)
          .flat()
          .slice(from)
          .filter((packet) => packet !== 'PUBACK')
      }
      // The look, the pool, and the look at what is retained.
      expect(await packetsOf('{"a":1}')).toEqual([
        ...['SUBSCRIBE', 'PUBLISH qos1', 'PUBLISH qos1 retain'],
        ...['SUBSCRIBE', 'PUBLISH qos1'],
      ])
      expect(await packetsOf('{"a":2}')).toEqual(['PUBLISH qos1 retain'])
      expect(await packetsOf('{"a":3}')).toEqual(['PUBLISH qos1 retain'])
    })

    test('closing says goodbye', async () => {
      const broker = await stopped(start())
      const proxy = await startRecordingProxy(broker.url)
      const { backend } = await openBackend({ url: proxy.url, protocolVersion })
      await backend.close()
      await waitFor(() => sent(proxy.segments).at(-1)?.at(-1) === 'DISCONNECT', { what: 'DISCONNECT' })
    })
  })
}
