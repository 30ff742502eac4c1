import { randomUUID } from 'node:crypto'
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { withoutRevision } from './bytes.ts'
import { within } from './wait.ts'

/** A bare MQTT.js client that never reconnects, for tests that look at a broker from outside; ends with the test. */
export async function connectClient(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const wanted: IClientOptions = { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5000, ...options }
  const client = await connectAsync(url, wanted, false)
  client.on('error', () => {})
  onTestFinished(() => void client.end(true))
  return client
}

/** What a broker has retained at one topic; `undefined` where there is nothing. */
export async function retainedAt(
  url: string,
  topic: string,
  options?: IClientOptions,
): Promise<IPublishPacket | undefined> {
  const client = await connectClient(url, options)
  const fence = `fence/${randomUUID()}`
  let found: IPublishPacket | undefined
  const echo = new Promise<void>((resolve) => {
    client.on('message', (at, _payload, packet) => {
      if (at === fence) resolve()
      else found = packet
    })
  })
  await client.subscribeAsync([topic, fence], { qos: 2 })
  // The broker sends what is retained before it sends our own message back.
  await client.publishAsync(fence, '', { qos: 1 })
  await within(echo, { what: `the end of what is retained at ${topic}` })
  await client.endAsync()
  return found
}

/** The pool that a broker has retained at one topic, without its revision; `undefined` where there is nothing. */
export async function poolTextAt(url: string, topic: string, options?: IClientOptions): Promise<string | undefined> {
  const packet = await retainedAt(url, topic, options)
  return packet && withoutRevision(packet.payload.toString())
}
