import mqtt, { type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts'
import { waitFor, waitForEvent } from '../helpers/wait.ts'

interface Setting {
  proxy: FaultProxy
  client: MqttClient
  /** What has come to the broker, from the client. */
  arrived: string[]
}

async function setting(): Promise<Setting> {
  const broker = await startAedes()
  const arrived: string[] = []
  broker.aedes().on('publish', (packet, from) => {
    if (from) arrived.push(packet.payload.toString())
  })
  const proxy = await startFaultProxy(() => broker)
  const client = mqtt.connect(proxy.url, { reconnectPeriod: 10, protocolVersion: 4 })
  client.on('error', () => {})
  onTestFinished(async () => {
    client.end(true)
    await proxy.close()
    await broker.stop()
  })
  await waitForEvent(client, 'connect', { what: 'the connection' })
  return { proxy, client, arrived }
}

const publish = (client: MqttClient, text: string) => client.publishAsync('a', text, { qos: 1 })

describe('the fault proxy', () => {
  test('the fault proxy passes everything on where nothing is wrong', async () => {
    const { client, arrived } = await setting()
    for (let count = 0; count < 100; count++) await publish(client, `${count}`)
    expect(arrived).toEqual(Array.from({ length: 100 }, (_, count) => `${count}`))
  })

  test('both sides lose the connection when the fault proxy cuts it', async () => {
    const { proxy, client } = await setting()
    const closed = waitForEvent(client, 'close', { what: 'the end' })
    proxy.cut()
    await closed
    await waitForEvent(client, 'connect', { what: 'the next connection' })
  })

  test('the fault proxy makes a client send twice: the message arrives, its acknowledgement does not', async () => {
    const { proxy, client, arrived } = await setting()
    proxy.cutAfterPublish()
    await publish(client, 'twice')
    await publish(client, 'once')
    expect(arrived).toEqual(['twice', 'twice', 'once'])
  })

  test('what goes up a half-open fault proxy arrives, and no answer comes down until it is thawed', async () => {
    const { proxy, client, arrived } = await setting()
    proxy.freeze('down')
    let isAnswered = false
    const answered = publish(client, 'up').then(() => {
      isAnswered = true
    })
    await waitFor(() => arrived.includes('up'), { what: 'the message' })
    expect(isAnswered).toBe(false)
    proxy.thaw()
    await answered
    proxy.freeze('up')
    const second = publish(client, 'later')
    proxy.heal()
    await second
    expect(arrived).toEqual(['up', 'later'])
  })

  test('the fault proxy delays, and throttles', async () => {
    const { proxy, client } = await setting()
    const timeOf = async (bytes: number) => {
      const start = performance.now()
      await publish(client, 'x'.repeat(bytes))
      return performance.now() - start
    }
    proxy.delay(50)
    expect(await timeOf(10)).toBeGreaterThan(95)
    proxy.heal()
    proxy.throttle(10_000)
    expect(await timeOf(1000)).toBeGreaterThan(95)
  })
})
