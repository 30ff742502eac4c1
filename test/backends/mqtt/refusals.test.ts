import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { bytesOf, textOf } from '../../helpers/bytes.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { type MosquittoOptions, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import { startNats } from '../../helpers/nats.ts'
import { errorOf, newTopic, type OpenBackend, openBackend, openingError } from './fixture.ts'

const VERSIONS = [4, 5] as const

async function mosquitto(options: MosquittoOptions) {
  const broker = await startMosquitto(options)
  onTestFinished(() => broker.stop())
  return broker
}

/** A broker on which `admin` may do anything, and `ann` what the lines say. */
function restricted(...lines: string[]) {
  return mosquitto({
    users: { admin: 'a', ann: 'b' },
    acl: ['user admin', 'topic readwrite #', 'user ann', ...lines],
  })
}

/**
 * Writes until the broker has closed three times; returns what the last error says.
 *
 * @param others how often it closes at something else before: at what an owner says of itself
 */
async function closedEachTime({ backend, told, wait }: OpenBackend, others = 0): Promise<string> {
  for (let round = 1; ; round++) {
    if (round > 1) await wait('online')
    told.length = 0
    const error = await errorOf(backend.write(new Uint8Array(2000).fill(32), 5000))
    if (error.code === 'ERR_PERSIST_DENIED' || round === 3 + others) {
      expect(error).toMatchObject({ code: 'ERR_PERSIST_DENIED', sizeBytes: 2000 })
      expect(round).toBeGreaterThanOrEqual(3)
      return error.message
    }
    expect(error).toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
  }
}

const admin = { username: 'admin', password: 'a' }
const ann = { username: 'ann', password: 'b' }

describe.skipIf(!mosquittoAvailable)('Mosquitto', () => {
  for (const protocolVersion of VERSIONS) {
    describe(`MQTT ${protocolVersion}`, () => {
      test('a pool that may not be read is never taken for empty and overwritten', async () => {
        const topic = newTopic()
        // The fence's own topic works, so that the pool looks empty.
        const { url } = await restricted(`topic write ${topic}`, `topic readwrite ${topic}/fence/#`)
        const owner = await openBackend({ url, topic, ...admin })
        await owner.write('{"a":1}')
        const { held, write } = await openBackend({ url, topic, ...ann, protocolVersion })
        expect(held).toMatchObject({ bytes: null, proof: 'fence' })
        expect(await errorOf(write('{"a":2}'))).toMatchObject({
          code: 'ERR_PERSIST_DENIED',
          message: expect.stringContaining('read permission'),
        })
        const next = await openBackend({ url, topic, ...admin })
        expect(textOf(next.held.bytes)).toBe('{"a":1}')
      })

      test('a write that is not allowed is found out', async () => {
        const topic = newTopic()
        const { url } = await restricted(`topic read ${topic}`)
        const owner = await openBackend({ url, topic, ...admin })
        await owner.write('{"a":1}')
        const { held, write, told } = await openBackend({ url, topic, ...ann, protocolVersion })
        // No fence comes back to somebody who may not publish, but what is retained does.
        expect(held.proof).toBe('settled')
        expect(textOf(held.bytes)).toBe('{"a":1}')
        expect(await errorOf(write('{"a":2}'))).toMatchObject({
          code: 'ERR_PERSIST_DENIED',
          message: expect.stringContaining('write permission'),
        })
        expect(told).toEqual([])
      })

      test("the fence is on the pool's own topic where those below it are not permitted", async () => {
        const topic = newTopic()
        const { url } = await restricted(`topic readwrite ${topic}`)
        const { held, write } = await openBackend({ url, topic, ...ann, protocolVersion })
        expect(held).toMatchObject({ bytes: null, proof: 'fence' })
        expect(await write('{"a":1}')).toBe('written')
      })

      test('a pool over message_size_limit is refused, and a smaller one is written after it', async () => {
        const { url } = await mosquitto({ config: ['message_size_limit 1000'] })
        const { write, backend, told } = await openBackend({ url, protocolVersion })
        expect(await write('{"a":1}')).toBe('written')
        const error = await errorOf(backend.write(new Uint8Array(2000).fill(32), 5000))
        if (protocolVersion === 4) {
          expect(error).toMatchObject({
            code: 'ERR_PERSIST_DENIED',
            message: expect.stringContaining('message_size_limit'),
          })
        } else {
          // The standard does not have that code for PUBACK (MQTT 5, 3.4.2.1): a refusal, and nothing more.
          expect(error).toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', received: 0x95, sizeBytes: 2000 })
        }
        expect(await write('{"a":2}')).toBe('written')
        expect(told).toEqual([])
      })

      test('a pool over max_packet_size is an error that says so', async () => {
        const topic = 'stat/x/PersistMQTT'
        const { url } = await mosquitto({ config: ['max_packet_size 1000'] })
        const { held, backend } = await openBackend({ url, topic, protocolVersion })
        if (protocolVersion === 5) {
          // 1 + 2 for the length, 2 + 18 for the topic, 2 for the packet id, 1 for the length of no properties.
          expect(held.limitBytes).toBe(1000 - 26)
          expect(await errorOf(backend.write(new Uint8Array(975), 5000))).toMatchObject({
            code: 'ERR_PERSIST_TOO_LARGE',
            sizeBytes: 975,
            limitBytes: 974,
          })
          expect(await backend.write(new Uint8Array(974).fill(32), 5000)).toBe('written')
          return
        }
        // 3.1.1 has no word for it: the broker closes. That is no failure yet, until it happens each time.
        const opened = await openBackend({ url, topic, protocolVersion })
        expect(await closedEachTime(opened)).toContain('max_packet_size')
        const online = performance.now()
        await opened.wait('online')
        // At once: it is what was too large that has to wait.
        expect(performance.now() - online).toBeLessThan(200)
        expect(await errorOf(opened.write('x'.repeat(2000)))).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
        expect(await opened.write('{"a":1}')).toBe('written')
        expect(opened.told.filter((entry) => 'offline' in entry)).toHaveLength(1)
      })

      test.each(['owner', 'guest'] as const)('a broker that takes no QoS 1, and an %s', async (role) => {
        const { url } = await mosquitto({ listenerConfig: ['max_qos 0'] })
        const topic = newTopic()
        if (protocolVersion === 4) {
          // 3.1.1 has no word for it: the broker closes.
          const opened = await openBackend({ url, topic, role, name: 'x', protocolVersion })
          expect(await closedEachTime(opened, role === 'owner' ? 2 : 0)).toContain('max_qos')
          return
        }
        // Once at the message that was sent with CONNECT, where it has no will; after that it is known.
        const { write, held, backend } = await openBackend({ url, topic, role, name: 'x', protocolVersion })
        expect(held).toMatchObject({ bytes: null, proof: 'fence' })
        expect(await write('{"a":1}')).toBe('written')
        expect(await write('{"a":2}')).toBe('written')
        await backend.close()
        const next = await openBackend({ url, topic, protocolVersion })
        expect(textOf(next.held.bytes)).toBe('{"a":2}')
      })

      test('a write to a broker without retained messages is an error that says so', async () => {
        const { url } = await mosquitto({ config: ['retain_available false'] })
        const opened = await openBackend({ url, protocolVersion })
        if (protocolVersion === 4) {
          expect(await closedEachTime(opened)).toContain('retain_available')
          return
        }
        const error = await errorOf(opened.write('{"a":1}'))
        expect(error).toMatchObject({
          code: 'ERR_PERSIST_DENIED',
          message: expect.stringContaining('retain_available'),
        })
        // It refuses the will, too, which is no reason to be without its owner, who can be asked.
        const owner = await openBackend({ url, topic: newTopic(), role: 'owner', name: 'x', protocolVersion })
        expect(owner.held).toMatchObject({ bytes: null })
        expect(await errorOf(owner.write('{"a":1}'))).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
      })
    })
  }
})

describe('Aedes', () => {
  test.each([true, false])(
    'a write that another node of a cluster learns of late is a write all the same, its echo lost: %s',
    async (isEchoLost) => {
      const seen = new Set<string>()
      const broker = await startAedes({
        authorizeForward: (_client, packet) => {
          const text = packet.payload.toString()
          const isEcho = text.startsWith('{') && !seen.has(text)
          seen.add(text)
          return isEcho && isEchoLost ? null : packet
        },
      })
      onTestFinished(() => broker.stop())
      const { persistence } = broker.aedes() as unknown as { persistence: { storeRetained(packet: unknown): unknown } }
      const store = persistence.storeRetained.bind(persistence)
      persistence.storeRetained = async (packet) => void setTimeout(() => store(packet), 500)
      const { write, told } = await openBackend({ url: broker.url })
      expect(await write('{"a":1}')).toBe('written')
      expect(await write('{"a":2}')).toBe('written')
      expect(told).toEqual([])
    },
  )

  test('a node that is busy refuses, drops and delays what it does a moment later, and a first write is made', async () => {
    const topic = newTopic()
    let refusals = 0
    let drops = 0
    const broker = await startAedes({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic === topic && refusals++ === 0 ? null : subscription),
      authorizeForward: (_client, packet) => (packet.topic === topic && drops++ === 0 ? null : packet),
    })
    onTestFinished(() => broker.stop())
    const { persistence } = broker.aedes() as unknown as { persistence: { storeRetained(packet: unknown): unknown } }
    const store = persistence.storeRetained.bind(persistence)
    persistence.storeRetained = async (packet) => void setTimeout(() => store(packet), 3000)
    // Each look takes 400 ms: the time of looks is the broker's, not the user's.
    const proxy = await startDelayProxy({ target: broker.url, delayMs: 200 })
    onTestFinished(() => proxy.close())
    const { held, backend } = await openBackend({ url: proxy.url, topic })
    expect(held).toMatchObject({ bytes: null, proof: 'fence' })
    expect(await backend.write(bytesOf('{"a":1}'), 15_000)).toBe('written')
    expect([refusals, drops].every((count) => count > 1)).toBe(true)
  })

  test('a write that a broker forwards and does not retain is denied', async () => {
    const broker = await startAedes({
      authorizePublish: (_client, packet, done) => {
        if (packet.topic.endsWith('PersistMQTT')) packet.retain = false
        done(null)
      },
    })
    onTestFinished(() => broker.stop())
    const { write } = await openBackend({ url: broker.url })
    expect(await errorOf(write('{"a":1}'))).toMatchObject({
      code: 'ERR_PERSIST_DENIED',
      message: expect.stringContaining('forwarded'),
    })
  })

  test('a subscription that is refused, or answered by closing, is an error of opening', async () => {
    for (const refuse of [null, new Error('no')]) {
      const broker = await startAedes({
        authorizeSubscribe: (_client, subscription, done) => done(refuse, refuse ? subscription : null),
      })
      onTestFinished(() => broker.stop())
      expect(await openingError({ url: broker.url })).toMatchObject({
        code: 'ERR_PERSIST_DENIED',
        message: expect.stringContaining('read permission'),
      })
    }
  })

  test('a write that is answered by closing each time is denied, and what was kept stays', async () => {
    const topic = newTopic()
    const broker = await startAedes({
      authorizePublish: (client, packet, done) =>
        done(packet.topic.startsWith(topic) && client?.id !== 'owner' ? new Error('no') : null),
    })
    onTestFinished(() => broker.stop())
    const owner = await connectClient(broker.url, { clientId: 'owner' })
    await owner.publishAsync(topic, '{"a":1}', { qos: 1, retain: true })
    // It closes at the fence's message already: the store opens without one.
    const opened = await openBackend({ url: broker.url, topic })
    expect(opened.held.proof).toBe('settled')
    expect(textOf(opened.held.bytes)).toBe('{"a":1}')
    expect(await closedEachTime(opened)).toContain('write permission')
    expect((await retainedAt(broker.url, topic))?.payload.toString()).toBe('{"a":1}')
  })
})

describe.skipIf(!natsAvailable)('NATS', () => {
  test('a subscription that NATS refuses, and a write that it drops, are denied', async () => {
    const topic = newTopic()
    const subject = topic.replaceAll('/', '.')
    const broker = await startNats({
      config: [
        'authorization { users = [',
        '  { user: admin, password: a }',
        `  { user: ann, password: b, permissions: { publish: ["$MQTT.>", "${subject}.>"], subscribe: [">"] } }`,
        `  { user: bob, password: b, permissions: { publish: [">"], subscribe: { allow: [">"], deny: ["${subject}"] } } }`,
        '] }',
      ],
    })
    onTestFinished(() => broker.stop())
    const { url } = broker
    const owner = await openBackend({ url, topic, ...admin })
    await owner.write('{"a":1}')
    const { held, write } = await openBackend({ url, topic, ...ann })
    expect(textOf(held.bytes)).toBe('{"a":1}')
    expect(await errorOf(write('{"a":2}'))).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    expect(await openingError({ url, topic, username: 'bob', password: 'b' })).toMatchObject({
      code: 'ERR_PERSIST_DENIED',
      received: 0x80,
    })
  })
})
