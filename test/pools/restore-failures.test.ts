import { describe, expect, onTestFinished, test } from 'vitest'
import { Pools, type PoolsOptions } from '../../src/pools/pools.ts'
import { type Restored, restorePools } from '../../src/pools/restore-pools.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { textOf, withoutRevision } from '../helpers/bytes.ts'
import { startFaultProxy } from '../helpers/fault-proxy.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../helpers/mqtt-client.ts'
import { running } from '../helpers/opened-at.ts'
import { waitFor } from '../helpers/wait.ts'

const LIMIT = { timeout: 60_000 }
const admin = { username: 'admin', password: 'secret' }
const ann = { username: 'ann', password: 'secret' }
const users = { ann: 'secret', admin: 'secret' }
const topicOf = (name: string) => `stat/${name}/PersistMQTT`
const bytesOf = (text: string) => new TextEncoder().encode(text)
const names = Array.from({ length: 20 }, (_, index) => `p${index}`)
const wanted = names.map((name) => ({ name, bytes: bytesOf(`{"x":"${name}"}`) }))
const versions = [4, 5] as const

async function put(url: string, name: string, text: string, options = {}): Promise<void> {
  const client = await connectClient(url, options)
  await client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  await client.endAsync()
}

/** What is kept of the pools above, by name, where it is not what they were to become. */
async function othersAt(url: string, options = {}): Promise<Record<string, string | undefined>> {
  const client = await connectClient(url, options)
  const kept = new Map<string, string>()
  client.on('message', (topic, payload) => kept.set(topic.split('/')[1] ?? topic, withoutRevision(payload.toString())))
  await client.subscribeAsync(['stat/+/PersistMQTT', 'fence'], { qos: 1 })
  await client.publishAsync('fence', '', { qos: 1 })
  await waitFor(() => kept.has('fence'), { what: 'what is kept' })
  return Object.fromEntries(
    names.filter((name) => kept.get(name) !== `{"x":"${name}"}`).map((name) => [name, kept.get(name)]),
  )
}

/** The codes of those that failed, by name. */
function failuresIn(restored: Restored): Record<string, string> {
  return Object.fromEntries(
    [...restored].flatMap(([name, result]) => (result instanceof Error ? [[name, result.code]] : [])),
  )
}

const reasonFor = (restored: Restored, name: string) => (restored.get(name) as Error).message

describe.skipIf(!mosquittoAvailable)('a pool that Mosquitto does not take is told, and the others are restored', () => {
  test.each(versions)('dropped, or refused, because this user may not write it (MQTT %i)', async (protocolVersion) => {
    const acl = [
      'user admin',
      'topic readwrite #',
      'user ann',
      'topic read stat/#',
      'topic readwrite stat/persist-mqtt/#',
      ...names.filter((name) => name !== 'p7').map((name) => `topic readwrite stat/${name}/#`),
    ]
    const { url } = await running(startMosquitto({ users, acl }))
    await put(url, 'p7', '{"old":1}', admin)
    const restored = await restorePools(new Pools({ url, ...ann, protocolVersion }), wanted)
    expect([failuresIn(restored), restored.size]).toEqual([{ p7: 'ERR_PERSIST_DENIED' }, 20])
    expect(reasonFor(restored, 'p7')).toContain(protocolVersion === 4 ? 'acknowledged the pool and dropped it' : '0x87')
    expect(await othersAt(url, admin)).toEqual({ p7: '{"old":1}' })
  })

  test.each(versions)('hidden, because this user may not read it (MQTT %i)', async (protocolVersion) => {
    const acl = [
      'user admin',
      'topic readwrite #',
      'user ann',
      'topic write stat/#',
      'topic read stat/persist-mqtt/#',
      ...names.filter((name) => name !== 'p7').map((name) => `topic read stat/${name}/#`),
    ]
    const { url } = await running(startMosquitto({ users, acl }))
    await put(url, 'p7', '{"old":1}', admin)
    const restored = await restorePools(new Pools({ url, ...ann, protocolVersion }), wanted)
    expect([failuresIn(restored), restored.size]).toEqual([{ p7: 'ERR_PERSIST_DENIED' }, 20])
    expect(await othersAt(url, admin)).toEqual({ p7: '{"old":1}' })
  })

  test.each([
    ['over its limit of messages, and dropped', 'message_size_limit 500', 4, 'ERR_PERSIST_DENIED'],
    ['over its limit of packets, which it tells', 'max_packet_size 500', 5, 'ERR_PERSIST_TOO_LARGE'],
    ['over its limit of packets, at which it closes', 'max_packet_size 3000', 4, 'ERR_PERSIST_CONNECT'],
  ] as const)('%s', LIMIT, async (_what, config, protocolVersion, code) => {
    const { url } = await running(startMosquitto({ config: [config] }))
    const large = { name: 'p7', bytes: bytesOf(`{"x":"${'x'.repeat(5000)}"}`) }
    const restored = await restorePools(
      new Pools({ url, protocolVersion }),
      wanted.map((one) => (one.name === 'p7' ? large : one)),
    )
    expect([failuresIn(restored), restored.size]).toEqual([{ p7: code }, 20])
    expect(await othersAt(url)).toEqual({ p7: undefined })
  })

  test('each of them, where it keeps nothing', async () => {
    const { url } = await running(startMosquitto({ config: ['retain_available false'] }))
    const restored = await restorePools(new Pools({ url }), wanted)
    expect(failuresIn(restored)).toEqual(Object.fromEntries(names.map((name) => [name, 'ERR_PERSIST_DENIED'])))
  })
})

test('a pool at which Aedes closes the connection is found out, and the others are restored', LIMIT, async () => {
  const { url } = await running(
    startAedes({
      authorizePublish: (_client, { topic }, done) =>
        done(topic === topicOf('p7') ? new Error('not allowed') : undefined),
    }),
  )
  const restored = await restorePools(new Pools({ url }), wanted)
  expect([failuresIn(restored), restored.size]).toEqual([{ p7: 'ERR_PERSIST_CONNECT' }, 20])
  expect(await othersAt(url)).toEqual({ p7: undefined })
})

describe.skipIf(!mosquittoAvailable)('somebody else who writes a pool meanwhile', () => {
  async function linked(options: PoolsOptions = {}) {
    const { url, port } = await running(startMosquitto())
    await put(url, 'garage', '{"old":1}')
    const proxy = await startFaultProxy(() => ({ port }))
    onTestFinished(() => proxy.close())
    return { url, proxy, pools: new Pools({ ...options, url: proxy.url }) }
  }
  const ours = bytesOf('{"ours":1}')
  const changed = expect.objectContaining({ code: 'ERR_PERSIST_FAILED' })
  const kept = (url: string) => poolTextAt(url, topicOf('garage'))

  test('is left alone, where that comes before the write', async () => {
    const { url, pools } = await linked()
    await pools.linked(async (link) => {
      await link.read(['garage'])
      await put(url, 'garage', '{"theirs":1}')
      await waitFor(() => link.held('garage').bytes?.length === 12, { what: 'their write' })
      await expect(link.write('garage', ours)).rejects.toEqual(changed)
    })
    expect(await kept(url)).toBe('{"theirs":1}')
  })

  test('is noticed, where ours comes after it', async () => {
    const { url, proxy, pools } = await linked()
    await pools.linked(async (link) => {
      await link.read(['garage'])
      proxy.freeze('up')
      const writing = link.write('garage', ours)
      await put(url, 'garage', '{"theirs":1}')
      await waitFor(() => link.held('garage').bytes?.length === 12, { what: 'their write' })
      proxy.thaw()
      await writing
      await link.readAgain(['garage'])
      expect(link.failureOf('garage')).toEqual(changed)
    })
    expect(await kept(url)).toBe('{"ours":1}')
  })

  test('is noticed, and left alone, where theirs comes after ours', async () => {
    const { url, pools } = await linked()
    await pools.linked(async (link) => {
      await link.read(['garage'])
      await link.write('garage', ours)
      await put(url, 'garage', '{"theirs":1}')
      await link.readAgain(['garage'])
      expect(link.failureOf('garage')).toEqual(changed)
    })
    expect(await kept(url)).toBe('{"theirs":1}')
  })
})

describe.skipIf(!mosquittoAvailable)('a lost connection', () => {
  /** 40 pools of 16 KB: two are on their way at a time. */
  const large = Array.from({ length: 40 }, (_, index) => ({
    name: `large${index}`,
    bytes: bytesOf(`{"x":"${'x'.repeat(16_000)}","n":${index}}`),
  }))

  async function slowly() {
    const broker = await running(startMosquitto())
    const proxy = await startFaultProxy(() => broker)
    onTestFinished(() => proxy.close())
    proxy.delay(10)
    return { broker, proxy, pools: new Pools({ url: proxy.url, openTimeoutMs: 2000 }) }
  }

  test('is made again once, and everything is restored', LIMIT, async () => {
    const { broker, proxy, pools } = await slowly()
    let isCut = false
    const restored = await restorePools(pools, large, {
      onDone: (count) => {
        if (count < 10 || isCut) return
        isCut = true
        proxy.cut()
      },
    })
    expect([isCut, failuresIn(restored), restored.size]).toEqual([true, {}, 40])
    for (const { name, bytes } of [large[0], large[20], large[39]] as typeof large) {
      expect(await poolTextAt(broker.url, topicOf(name))).toBe(textOf(bytes))
    }
  })

  test('of a broker that has died is the error of all that are not known to be there', LIMIT, async () => {
    const { broker, pools } = await slowly()
    let killed: Promise<void> | undefined
    const restored = await restorePools(pools, large, {
      onDone: (count) => {
        if (count >= 10) killed ??= broker.kill()
      },
    })
    await killed
    expect(failuresIn(restored)).toEqual(Object.fromEntries(large.map(({ name }) => [name, 'ERR_PERSIST_CONNECT'])))
  })

  test('a signal ends it between two pools, and what was begun is made sure of', LIMIT, async () => {
    const { broker, pools } = await slowly()
    const signal = new AbortController()
    const restored = await restorePools(pools, large, {
      signal: signal.signal,
      onDone: (count) => {
        if (count >= 10) signal.abort()
      },
    })
    expect(restored.size).toBeGreaterThanOrEqual(10)
    expect(restored.size).toBeLessThan(40)
    expect(failuresIn(restored)).toEqual({})
    for (const { name } of large) {
      expect([name, (await retainedAt(broker.url, topicOf(name))) !== undefined]).toEqual([name, restored.has(name)])
    }
  })
})
