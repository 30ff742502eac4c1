import type { MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openStore as openFile } from '../../src/file.ts'
import { type HomeAssistantOptions, homeAssistant } from '../../src/home-assistant/home-assistant.ts'
import { openStore, type Store, type StoreOptions } from '../../src/index.ts'
import { memoryBackend } from '../../src/memory.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startDelayProxy } from '../helpers/delay-proxy.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { openedAt, running } from '../helpers/opened-at.ts'
import { heard } from '../helpers/opened-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { commanded, discovered, type Entity, shown } from './home-assistant-world.ts'

const TOPIC = 'homeassistant/device/persist_heating/config'
const POOL = 'stat/heating/PersistMQTT'

function announced(url: string, options: StoreOptions = {}): Promise<Store> {
  return openedAt(url, { name: 'heating', integrations: [homeAssistant()], ...options })
}

/** A Home Assistant: what it has been told on the discovery topic, and the entities of the last message. */
async function homeAssistantAt(url: string) {
  const client: MqttClient = await connectClient(url)
  const messages: string[] = []
  client.on('message', (topic, payload) => {
    if (topic === TOPIC) messages.push(payload.toString())
  })
  await client.subscribeAsync(TOPIC)
  const entities = () => (messages.at(-1) ? discovered(messages.at(-1) as string) : {})
  const has = (...keys: string[]) =>
    waitFor(() => Object.keys(entities()).sort().join() === keys.sort().join(), { what: `the entities ${keys}` })
  const shows = async (key: string, text: string) => {
    const now = async () => shown(entities()[key] as Entity, (await retainedAt(url, POOL))?.payload.toString() ?? '')
    await waitFor(async () => (await now()) === text, { what: `${key} to be shown as ${text}` })
  }
  const sets = (key: string, value: unknown) => {
    const entity = entities()[key] as Entity
    return client.publishAsync(entity.command_topic as string, commanded(entity, value), { qos: 0 })
  }
  return { client, messages, entities, has, shows, sets }
}

describe.skipIf(!mosquittoAvailable)('a store that is announced to Home Assistant', () => {
  test('a store is found, shown, and changed in Home Assistant', async () => {
    const { url } = await running(startMosquitto())
    const schema = z.object({
      target: z.number().min(5).max(30).default(20),
      mode: z.enum(['eco', 'warm']).default('eco'),
      heating: z.boolean().default(false),
      temperature: z.number().default(19.5),
    })
    const pt = await announced(url, { schema } as StoreOptions)
    await pt.save()
    const ha = await homeAssistantAt(url)
    await ha.has('number_target', 'select_mode', 'switch_heating', 'sensor_temperature')
    await ha.shows('number_target', '20')
    await ha.sets('number_target', 22.5)
    await ha.shows('number_target', '22.5')
    await ha.sets('select_mode', 'warm')
    await ha.sets('switch_heating', true)
    await ha.shows('switch_heating', 'ON')
    expect({ ...pt }).toEqual({ target: 22.5, mode: 'warm', heating: true, temperature: 19.5 })
    // What does not fit changes nothing, and is told.
    const refused = new Promise((resolve) => pt.$on('error', resolve))
    await ha.sets('number_target', 99)
    expect(await refused).toMatchObject({ code: 'ERR_PERSIST_SCHEMA' })
    expect(pt.target).toBe(22.5)
    // One message has announced it all.
    expect(ha.messages).toHaveLength(1)
  })

  test('a program that never saves is announced with the states of its defaults, when the broker holds them', async () => {
    const { url } = await running(startMosquitto())
    const client = await connectClient(url)
    const topics: string[] = []
    // Without the fence of a store that opens.
    client.on('message', (topic, payload) => void (String(payload).startsWith('{') && topics.push(topic)))
    await client.subscribeAsync([TOPIC, POOL], { qos: 1 })
    const ha = await homeAssistantAt(url)
    const pt = await announced(url, { defaults: { target: 20, heating: false } })
    await ha.has('sensor_target', 'switch_heating')
    await ha.shows('sensor_target', '20')
    await ha.shows('switch_heating', 'OFF')
    expect(topics.slice(0, 2)).toEqual([POOL, TOPIC])
    // Later changes are the program's to save.
    pt.target = 25
    await pt.$close()
    const again = await announced(url, { defaults: { target: 20 } })
    expect(topics.filter((topic) => topic === POOL)).toHaveLength(2)
    expect(again.target).toBe(25)
  })

  test('what Home Assistant would refuse is an error of the store, and all else is announced', async () => {
    const { url } = await running(startMosquitto())
    const variables = { motto: { writable: true, max: 300 }, on: true }
    const pt = await announced(url, {
      defaults: { motto: 'x', on: true },
      integrations: [homeAssistant({ variables })],
    })
    const error = new Promise((resolve) => pt.$on('error', resolve))
    const ha = await homeAssistantAt(url)
    await ha.has('switch_on')
    expect(await error).toMatchObject({ message: expect.stringContaining('"motto" is a text with the max 300') })
  })

  test('a store is available in Home Assistant as long as it is open', async () => {
    const { url } = await running(startMosquitto())
    const pt = await announced(url)
    pt.n = 1
    const ha = await homeAssistantAt(url)
    await ha.has('sensor_n')
    const { availability_topic, availability_template } = JSON.parse(ha.messages.at(-1) ?? '{}')
    const now = async () => {
      const payload = (await retainedAt(url, availability_topic))?.payload.toString() ?? ''
      return shown({ platform: 'sensor', value_template: availability_template }, payload)
    }
    const becomes = (text: string) => waitFor(async () => (await now()) === text, { what: `it to be ${text}` })
    expect(await now()).toBe('online')
    await pt.$close()
    await becomes('offline')
    const proxy = await startDelayProxy({ target: url })
    onTestFinished(() => proxy.close())
    await announced(proxy.url)
    await becomes('online')
    // The broker publishes the will.
    proxy.freeze()
    proxy.cut()
    await becomes('offline')
  })

  test('a store takes back the entities of what is removed, what becomes something else, and at last itself', async () => {
    const { url } = await running(startMosquitto())
    const pt = await announced(url)
    Object.assign(pt, { a: 1, b: true })
    const ha = await homeAssistantAt(url)
    await ha.has('sensor_a', 'switch_b')
    const { messages } = ha
    delete pt.b
    await ha.has('sensor_a')
    // First with nothing but its platform, which is what removes it; then without.
    expect(discovered(messages.at(-2) ?? '').switch_b).toEqual({ platform: 'switch' })
    pt.a = true
    await ha.has('switch_a')
    expect(discovered(messages.at(-2) ?? '').sensor_a).toEqual({ platform: 'sensor' })
    delete pt.a
    await waitFor(() => messages.at(-1) === '', { what: 'the device to go' })
    expect(await retainedAt(url, TOPIC)).toBeUndefined()
  })

  test('a store takes back the entities that an earlier program had, and nothing that others announce', async () => {
    const { url } = await running(startMosquitto())
    const first = await announced(url, { integrations: [homeAssistant({ variables: { a: true, old: true } })] })
    Object.assign(first, { a: 1, old: 2 })
    const ha = await homeAssistantAt(url)
    await ha.has('sensor_a', 'sensor_old')
    await first.$close()
    const second = await announced(url, { integrations: [homeAssistant({ variables: { a: true } })] })
    await ha.has('sensor_a')
    expect(discovered(ha.messages.at(-2) ?? '').sensor_old).toEqual({ platform: 'sensor' })
    await second.$close()
    const foreign = JSON.stringify({
      origin: { name: 'somebody' },
      device: { identifiers: ['x'] },
      components: { z: { platform: 'sensor' } },
    })
    await ha.client.publishAsync(TOPIC, foreign, { retain: true, qos: 1 })
    await announced(url, { integrations: [homeAssistant({ variables: { a: true } })] })
    await ha.has('sensor_a')
    expect(Object.keys(discovered(ha.messages.at(-2) ?? ''))).toEqual(['z'])
  })

  test('a store is announced again when Home Assistant has started, and not when nothing is new', async () => {
    const broker = await running(startMosquitto({ persistence: true }))
    const pt = await announced(broker.url)
    pt.n = 1
    const ha = await homeAssistantAt(broker.url)
    await ha.has('sensor_n')
    const before = ha.messages.length
    await ha.client.publishAsync('homeassistant/status', 'online', { qos: 1 })
    await waitFor(() => ha.messages.length === before + 1, { what: 'it to be announced again' })
    await pt.$close()
    const again = await announced(broker.url)
    again.more = 'text'
    await ha.has('sensor_n', 'sensor_more')
    expect(ha.messages).toHaveLength(before + 2)
    const online = new Promise<void>((resolve) => again.$on('status', ({ state }) => state === 'ready' && resolve()))
    await broker.kill('SIGTERM')
    await broker.restart()
    await online
    const late = await homeAssistantAt(broker.url)
    await late.has('sensor_n', 'sensor_more')
    again.other = true
    await late.has('sensor_n', 'sensor_more', 'switch_other')
    expect(late.messages).toHaveLength(2)
  })

  test('a store is announced again where the broker has forgotten the announcement', async () => {
    const { url, kill, restart } = await running(startMosquitto())
    const pt = await announced(url)
    pt.n = 1
    await pt.save()
    await (await homeAssistantAt(url)).has('sensor_n')
    await kill()
    await restart()
    await (await homeAssistantAt(url)).has('sensor_n')
    expect(pt.$status.state).toBe('ready')
  })

  test('a store keeps the entity of a variable that is null for a while, and announces many new ones at once', async () => {
    const { url } = await running(startMosquitto())
    const pt = await announced(url)
    pt.n = 1
    const ha = await homeAssistantAt(url)
    await ha.has('sensor_n')
    const { length } = ha.messages
    pt.n = null
    await pt.save()
    for (let index = 0; index < 50; index += 1) {
      pt[`m${index}`] = index
      await pt.save()
    }
    await ha.has('sensor_n', ...Array.from({ length: 50 }, (_, index) => `sensor_m${index}`))
    await ha.shows('sensor_n', 'unknown')
    expect(ha.messages.length - length).toBeLessThan(10)
    expect(ha.messages.every((message) => JSON.parse(message).components.sensor_n.unique_id)).toBe(true)
  })

  test('a pool is announced to Home Assistant by its owner alone', async () => {
    const { url } = await running(startMosquitto())
    const first = await announced(url)
    first.$on('error', () => {})
    first.n = 1
    await first.save()
    const ha = await homeAssistantAt(url)
    await ha.has('sensor_n')
    const ended = new Promise<void>((resolve) => first.$on('status', ({ state }) => state === 'readonly' && resolve()))
    const second = await announced(url, { integrations: [homeAssistant({ variables: { n: { writable: true } } })] })
    await ended
    await ha.has('number_n')
    await ha.client.publishAsync('homeassistant/status', 'online', { qos: 1 })
    second.n = 'text now'
    await ha.has('text_n')
  })

  test('a store that may not announce works all the same, and says so once', async () => {
    const { url } = await running(
      startMosquitto({
        users: { ann: 'b' },
        acl: ['user ann', `topic readwrite ${POOL}`, `topic readwrite ${POOL}/#`, 'topic readwrite tele/#'],
      }),
    )
    const pt = await announced(url, { username: 'ann', password: 'b' })
    const errors = heard(pt, 'error')
    pt.n = 1
    pt.b = true
    await pt.save()
    await waitFor(() => errors.length > 0, { what: 'the refusal to be told' })
    pt.c = true
    await pt.save()
    expect(errors).toMatchObject([{ code: 'ERR_PERSIST_DENIED', message: expect.stringContaining(TOPIC) }])
    expect(pt.$status.state).toBe('ready')
  })
})

test('integrations are for owners at a broker, and mean nothing where there is none', async () => {
  const integrations = [homeAssistant()]
  const refused = { code: 'ERR_PERSIST_OPTION', message: expect.stringMatching(/integrations.*not with backend, nor/) }
  for (const options of [{ readOnly: true }, { backend: memoryBackend() }]) {
    await expect(openStore({ name: 'x', integrations, ...options })).rejects.toMatchObject(refused)
  }
  const pt = await openFile({ name: 'x', file: `${temporaryDirectory()}/x.json`, integrations })
  await pt.$close()
})

test.each<[what: string, options: unknown]>([
  ['unknown ones', { prefix: 'x' }],
  ['a wildcard in the prefix', { discoveryPrefix: '+' }],
  ['another platform', { variables: { a: { platform: 'light' } } }],
  ['no options', true],
])('homeAssistant() refuses what is no options of it: %s', (_what, options) => {
  const refused = expect.objectContaining({
    code: 'ERR_PERSIST_OPTION',
    message: expect.stringMatching(/homeAssistant/),
  })
  expect(() => homeAssistant(options as HomeAssistantOptions)).toThrow(refused)
})
