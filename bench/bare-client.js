// @ts-check
import { connectAsync } from 'mqtt'

/**
 * What one writes with MQTT.js alone: a client that has a retained message, or knows that there is none, publishes it
 * and waits until each has come back.
 * @param {string} url @param {string} topic @param {import('mqtt').IClientOptions} [options]
 */
export async function bareClient(url, topic, options) {
  const client = await bareConnection(url, options)
  const fence = `bench/fence/${client.options.clientId}`
  /** @type {(topic: string, text: string) => void} */
  let seen = () => {}
  let held = ''
  client.on('message', (topic, bytes) => seen(topic, bytes.toString()))
  // When what was published after subscribing is here, a retained message would be here too.
  const answered = new Promise((resolve) => {
    seen = (from, text) => {
      if (from === topic) held = text
      else resolve(undefined)
    }
  })
  await client.subscribeAsync([topic, fence], { qos: 1 })
  await client.publishAsync(fence, '', { qos: 1 })
  await answered
  return {
    held,
    /** Resolves when the message is acknowledged and has come back. @param {string} text */
    async publish(text) {
      const echo = new Promise((resolve) => {
        seen = (_, received) => received === text && resolve(undefined)
      })
      await Promise.all([client.publishAsync(topic, text, { qos: 1, retain: true }), echo])
    },
    end: () => client.endAsync(),
  }
}

/** @param {string} url @param {import('mqtt').IClientOptions} [options] */
export async function bareConnection(url, options = {}) {
  const client = await connectAsync(url, options)
  // Without it, a PUBLISH that follows a PUBACK waits for the delayed acknowledgement of that, some 40 ms.
  const stream = /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (client.stream))
  stream.setNoDelay(true)
  return client
}

/** Publishes a retained message at a broker. @param {string} url @param {string} topic @param {string} text */
export async function retain(url, topic, text) {
  const client = await connectAsync(url)
  await client.publishAsync(topic, text, { qos: 1, retain: true })
  await client.endAsync()
}
