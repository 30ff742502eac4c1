import mqtt, { type MqttClient } from 'mqtt'
import { deferred } from '../../src/runtime/promises.ts'
import { within } from '../helpers/wait.ts'
import { type History, poolIn } from './history.ts'

/** What a client that comes now finds retained at a topic; null: nothing. */
export async function retainedText(url: string, topic: string): Promise<string | null> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, connectTimeout: 5000 }, false)
  client.on('error', () => {})
  try {
    const fence = `torture/reader/${client.options.clientId}`
    const echo = deferred<void>()
    let found: string | null = null
    client.on('message', (at, payload) => {
      if (at === fence) echo.resolve()
      else found = payload.toString()
    })
    await within(client.subscribeAsync([topic, fence], { qos: 1 }), { what: 'SUBACK' })
    client.publish(fence, '', { qos: 1 })
    await within(echo.promise, { what: 'what is retained' })
    return found
  } finally {
    client.end(true)
  }
}

/** Follows the pool beside the proxies, and notes every value that it ever shows. */
export function watchPool(url: string, topic: string, history: History): MqttClient {
  const client = mqtt.connect(url, { reconnectPeriod: 100, connectTimeout: 2000 })
  client.on('error', () => {})
  client.on('message', (_topic, payload) => history.seen('a reader', poolIn(payload.toString())))
  client.subscribe(topic, { qos: 1 })
  return client
}
