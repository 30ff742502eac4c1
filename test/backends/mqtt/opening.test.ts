import { describe, expect, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { textOf } from '../../helpers/bytes.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { startNats } from '../../helpers/nats.ts'
import { running } from '../../helpers/opened-at.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { newTopic, openBackend } from './fixture.ts'
import { startRecordingProxy } from './recording-proxy.ts'

describe('one round trip', () => {
  const servers = [
    { name: 'Mosquitto', available: mosquittoAvailable, start: startMosquitto, version: 5 },
    { name: 'NATS', available: natsAvailable, start: startNats, version: 4 },
    { name: 'Aedes', available: true, start: startAedes, version: 4 },
  ] as const
  for (const { name, available, start, version } of servers) {
    test.skipIf(!available)(`one segment asks for all, and what follows answers: ${name}`, async () => {
      const broker = await running<RunningBroker>(start())
      const topic = newTopic()
      const writer = await openBackend({ url: broker.url, topic, protocolVersion: version })
      await writer.write('{"a":1}')
      for (const expected of [null, '{"a":1}']) {
        const { url, records } = await startRecordingProxy(broker.port)
        const own = expected === null ? newTopic() : topic
        const { held } = await openBackend({ url, topic: own, protocolVersion: version })
        expect(textOf(held.bytes)).toBe(expected)
        const [asked, ...rest] = records.filter(({ way }) => way === 'up').map(({ packets }) => packets)
        expect(asked).toEqual(['CONNECT', 'SUBSCRIBE', 'PUBLISH'])
        // What has come is acknowledged, and a broker that waits for TCP is woken: nobody waits for that.
        const passing = ['PUBACK', 'PINGREQ']
        expect(rest.flat().filter((packet) => !passing.includes(packet))).toEqual([])
      }
    })
  }
})
