import type { IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt'
import type { Store, StoreOptions } from '../../../../src/index.ts'
import type { DelayProxy } from '../../../helpers/delay-proxy.ts'
import { type MosquittoOptions, startMosquitto } from '../../../helpers/mosquitto.ts'
import { connectClient } from '../../../helpers/mqtt-client.ts'
import { openedAt, proxied, running } from '../../../helpers/opened-at.ts'
import { waitFor } from '../../../helpers/wait.ts'

export const TOPIC = 'stat/garage/PersistMQTT'

export interface Heard {
  readonly topic: string
  readonly text: string
  readonly packet: IPublishPacket
}

/** An owner, and a client that asks without knowing anything of this package. */
export async function asked(
  options: MosquittoOptions = {},
  { protocolVersion = 5, ...storeOptions }: StoreOptions & { protocolVersion?: 4 | 5 } = {},
): Promise<{
  pt: Store
  url: string
  client: MqttClient
  heard: Heard[]
  errors: string[]
  proxy: DelayProxy
}> {
  const { url } = await running(startMosquitto(options))
  // The owner's connections can be counted there.
  const proxy = await proxied(url)
  const pt = await openedAt(proxy.url, storeOptions)
  const errors: string[] = []
  pt.$on('error', ({ code }) => errors.push(code))
  const client = await connectClient(url, { protocolVersion })
  const heard: Heard[] = []
  client.on('message', (topic, payload, packet) => heard.push({ topic, text: payload.toString(), packet }))
  await client.subscribeAsync(['answers/#', `${TOPIC}/answer/#`], { qos: 1 })
  return { pt, url, client, heard, errors, proxy }
}

/** Asks below the pool's topic. */
export function ask(
  client: MqttClient,
  path: string,
  content: string | Buffer,
  properties: IClientPublishOptions['properties'] = {},
): Promise<unknown> {
  return client.publishAsync(`${TOPIC}/${path}`, content, { qos: 1, properties })
}

/** What was heard as the n-th, from 1. */
export async function nth<T>(list: readonly T[], n: number): Promise<T> {
  await waitFor(() => list.length >= n, { what: `answer ${n}` })
  return list[n - 1] as T
}
