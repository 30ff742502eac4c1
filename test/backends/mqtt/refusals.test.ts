import type { AedesOptions, AuthorizePublishHandler } from 'aedes'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import {
  errorOf,
  Listener,
  makeBackend,
  nothingLeftOpen,
  openBackend,
  poolAt,
  retain,
  stopped,
  TOPIC,
  textOf,
} from './fixture.ts'

const users = { admin: 'a', ann: 'b' }
const large = `{"large":"${'x'.repeat(5000)}"}`

describe.skipIf(!mosquittoAvailable).each([4, 5] as const)('Mosquitto, protocol version %i', (protocolVersion) => {
  const as = (url: string, user: string, password: string) => url.replace('//', `//${user}:${password}@`)

  test('without write permission no write passes for one', async () => {
    const acl = [
      'user admin',
      'topic readwrite #',
      'user ann',
      'topic read #',
      'topic write stat/+/PersistMQTT/fence/#',
    ]
    const broker = await stopped(startMosquitto({ users, acl }))
    const admin = as(broker.url, 'admin', 'a')
    await retain(admin, '{"theirs":1}')
    const { held, write, listener } = await openBackend({ url: as(broker.url, 'ann', 'b'), protocolVersion })
    expect(held.proof).toBe('fence')
    for (let time = 0; time < 2; time++) {
      const error = await errorOf(write('{"ours":1}'))
      expect(error.code).toBe('ERR_PERSIST_DENIED')
      expect(error.message).toMatch(/write permission/)
    }
    expect(await poolAt(admin)).toBe('{"theirs":1}')
    expect(listener.calls).toEqual([])
    await retain(admin, '{"theirs":2}')
    await waitFor(() => listener.changes.includes('{"theirs":2}'), { what: 'the change' })
  })

  test('one who may only read opens all the same', async () => {
    const acl = ['user admin', 'topic readwrite #', 'user ann', 'topic read #']
    const broker = await stopped(startMosquitto({ users, acl }))
    const admin = as(broker.url, 'admin', 'a')
    await retain(admin, '{"theirs":1}')
    const { held } = await openBackend({ url: as(broker.url, 'ann', 'b'), protocolVersion })
    expect(textOf(held.bytes)).toBe('{"theirs":1}')
    expect(held.proof).toBe('settled')
  })

  test('without read permission the pool looks empty, and is not written over', async () => {
    const acl = [
      'user admin',
      'topic readwrite #',
      'user ann',
      'topic write #',
      'topic read stat/+/PersistMQTT/fence/#',
    ]
    const broker = await stopped(startMosquitto({ users, acl }))
    const admin = as(broker.url, 'admin', 'a')
    await retain(admin, '{"theirs":1}')
    const { held, write } = await openBackend({ url: as(broker.url, 'ann', 'b'), protocolVersion })
    expect(held.bytes).toBeNull()
    for (let time = 0; time < 2; time++) {
      const error = await errorOf(write('{"ours":1}'))
      expect(error.code).toBe('ERR_PERSIST_DENIED')
      expect(error.message).toMatch(/read permission/)
    }
    expect(await poolAt(admin)).toBe('{"theirs":1}')
  })

  test('over message_size_limit, and under it again', async () => {
    const { url } = await stopped(startMosquitto({ config: ['message_size_limit 1000'] }))
    const { write, listener } = await openBackend({ url, protocolVersion })
    expect(await write('{"a":1}')).toBe('written')
    const error = await errorOf(write(large))
    expect(error.code).toBe(protocolVersion === 5 ? 'ERR_PERSIST_TOO_LARGE' : 'ERR_PERSIST_DENIED')
    expect(error).toMatchObject({ sizeBytes: large.length })
    expect(error.message).toMatch(/message_size_limit/)
    if (protocolVersion === 5) {
      // What MQTT.js cannot read has ended this connection; the next one is there.
      await waitFor(() => listener.calls.includes('online'), { what: 'the next connection' })
      expect(listener.calls).toEqual(['offline', 'online'])
    }
    expect(await poolAt(url)).toBe('{"a":1}')
    expect(await write('{"a":2}')).toBe('written')
    expect(await poolAt(url)).toBe('{"a":2}')
  })

  test('over max_packet_size, and under it again', async () => {
    const { url } = await stopped(startMosquitto({ config: ['max_packet_size 1000'] }))
    const { write, listener, held } = await openBackend({ url, protocolVersion })
    if (protocolVersion === 5) {
      const limitBytes = held.limitBytes ?? 0
      expect(limitBytes).toBeGreaterThan(900)
      const error = await errorOf(write(large))
      expect(error).toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', sizeBytes: large.length, limitBytes })
      expect(await write(`"${'x'.repeat(limitBytes - 2)}"`)).toBe('written')
      expect(listener.calls).toEqual([])
    } else {
      expect(held.limitBytes).toBeUndefined()
      const codes: string[] = []
      for (let time = 1; time <= 3; time++) {
        codes.push((await errorOf(write(large))).code)
        await waitFor(() => listener.onlines.length === time, { what: 'the next connection' })
      }
      // Once or twice may be chance.
      expect(codes).toEqual(['ERR_PERSIST_CONNECT', 'ERR_PERSIST_CONNECT', 'ERR_PERSIST_DENIED'])
    }
    expect(await write('{"a":2}')).toBe('written')
    expect(await poolAt(url)).toBe('{"a":2}')
  })

  test('where nothing is retained', async () => {
    const { url } = await stopped(startMosquitto({ config: ['retain_available false'] }))
    const { write, listener } = await openBackend({ url, protocolVersion })
    const codes: string[] = []
    for (let time = 1; time <= 3; time++) {
      codes.push((await errorOf(write('{}'))).code)
      if (protocolVersion === 4) await waitFor(() => listener.onlines.length === time, { what: 'the next connection' })
    }
    expect(codes.at(-1)).toBe('ERR_PERSIST_DENIED')
    expect(codes[0]).toBe(protocolVersion === 5 ? 'ERR_PERSIST_DENIED' : 'ERR_PERSIST_CONNECT')
  })
})

describe('Aedes', () => {
  const start = (options: AedesOptions) => stopped(startAedes(options))

  test('one who may not subscribe is told so', async () => {
    const broker = await start({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic === TOPIC ? null : subscription),
    })
    const backend = makeBackend({ url: broker.url })
    const error = await errorOf(backend.open(new Listener(), 3000))
    expect(error.code).toBe('ERR_PERSIST_DENIED')
    expect(error.message).toMatch(/read permission/)
    await waitFor(() => broker.aedes().connectedClients === 0, { what: 'the connection to end' })
  })

  test('without the private topic the fence is asked on the pool itself', async () => {
    const broker = await start({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic === TOPIC ? subscription : null),
    })
    await retain(broker.url, '{"theirs":1}')
    const { held, write, listener } = await openBackend({ url: broker.url })
    expect(textOf(held.bytes)).toBe('{"theirs":1}')
    expect(held.proof).toBe('fence')
    expect(await write('{"ours":1}')).toBe('written')
    expect(listener.calls).toEqual([])
  })

  test('one who may not publish there is told so after some attempts, and may write later', async () => {
    let allowed = false
    const authorizePublish: AuthorizePublishHandler = (_client, packet, done) =>
      done(packet.topic === TOPIC && packet.retain && !allowed ? new Error('not you') : null)
    const broker = await start({ authorizePublish })
    const { write, listener } = await openBackend({ url: broker.url })
    const codes: string[] = []
    for (let time = 1; time <= 3; time++) {
      codes.push((await errorOf(write('{}'))).code)
      await waitFor(() => listener.onlines.length === time, { what: 'the next connection' })
    }
    expect(codes).toEqual(['ERR_PERSIST_CONNECT', 'ERR_PERSIST_CONNECT', 'ERR_PERSIST_DENIED'])
    allowed = true
    expect(await write('{"a":1}')).toBe('written')
    expect(await poolAt(broker.url)).toBe('{"a":1}')
  })

  test('a broker that forwards and does not retain is found out', async () => {
    const broker = await start({
      authorizePublish: (_client, packet, done) => {
        packet.retain = false
        done(null)
      },
    })
    const { write } = await openBackend({ url: broker.url })
    const error = await errorOf(write('{}'))
    expect(error.code).toBe('ERR_PERSIST_DENIED')
    expect(error.message).toMatch(/does not retain/)
  })

  test('a broker that acknowledges and drops is found out', async () => {
    const broker = await start({
      authorizeForward: (client, packet) => (packet.topic === TOPIC && client.id.startsWith('persist') ? null : packet),
    })
    const { write } = await openBackend({ url: broker.url })
    expect((await errorOf(write('{}'))).code).toBe('ERR_PERSIST_DENIED')
    // The mark of the second look came not back, so nothing was written.
    const client = await connectClient(broker.url)
    expect(await poolAt(broker.url)).toBeUndefined()
    await client.endAsync()
  })
})

test('a second and a third error leave no more open than the first', async () => {
  const broker = await startAedes({ authenticate: (_client, _user, _password, done) => done(null, false) })
  onTestFinished(() => broker.stop())
  for (let time = 0; time < 3; time++) {
    const error = await errorOf(makeBackend({ url: broker.url }).open(new Listener(), 2000))
    expect(error.code).toBe('ERR_PERSIST_DENIED')
  }
  await broker.stop()
  await nothingLeftOpen()
})
