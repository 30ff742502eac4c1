// @ts-check
import { connectAsync } from 'mqtt'

/**
 * What one writes with MQTT.js alone: a client that publishes retained messages and waits until each has come back.
 * @param {string} url @param {string} topic
 */
export async function bareClient(url, topic) {
  const client = await connectAsync(url)
  // Without it, a PUBLISH that follows a PUBACK waits for the delayed acknowledgement of that, some 40 ms.
  const stream = /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (client.stream))
  stream.setNoDelay(true)
  /** @type {(text: string) => void} */
  let seen = () => {}
  client.on('message', (_topic, bytes) => seen(bytes.toString()))
  await client.subscribeAsync(topic, { qos: 1 })
  return {
    /** Resolves when the message is acknowledged and has come back. @param {string} text */
    async publish(text) {
      const echo = new Promise((resolve) => {
        seen = (received) => received === text && resolve(undefined)
      })
      await Promise.all([client.publishAsync(topic, text, { qos: 1, retain: true }), echo])
    },
    end: () => client.endAsync(),
  }
}
