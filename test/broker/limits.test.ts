import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connect as connectMqtt } from 'mqtt'
import { generate } from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import type { ClientEvent } from '../../src/broker/client-events.ts'
import { PacketSizes } from '../../src/broker/packet-sizes.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { openStore } from '../../src/index.ts'
import { makeCertificates } from '../helpers/certificates.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor, waitForEvent } from '../helpers/wait.ts'
import { startTestBroker } from './fixture.ts'

const KIBIBYTE = 1024

const portOf = (url: string) => Number(new URL(url).port)

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const connectPacket = (clientId: string, clean = true) =>
  generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean, clientId, keepalive: 0 })

test('a CONNECT that is too long ends its connection before it has come, over TCP and WebSocket', async () => {
  const events: ClientEvent[] = []
  const broker = await startTestBroker({
    directory: temporaryDirectory(),
    onClient: (event) => void events.push(event),
  })
  const packet = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 77, 81, 84, 84, 4, 2, 0, 0])
  const tcp = await openSocket(portOf(broker.url))
  const tcpClosed = waitForEvent(tcp, 'close', { what: 'the end of the connection' })
  tcp.write(packet)
  await tcpClosed
  const webSocket = new WebSocket(broker.webSocketUrl, 'mqtt')
  await once(webSocket, 'open')
  const webSocketClosed = waitForEvent(webSocket, 'close', { what: 'the end of the WebSocket' })
  webSocket.send(packet)
  await webSocketClosed
  const reason = 'it sends a packet of 268435460 bytes, and 65536 are allowed'
  expect(events.map(({ kind, reason: told }) => [kind, told])).toEqual(Array(2).fill(['failed', reason]))
})

test('what has not logged in over WebSocket cannot send a long message; what has, can', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory() })
  const stranger = new WebSocket(broker.webSocketUrl, 'mqtt')
  stranger.on('error', () => {})
  await once(stranger, 'open')
  const closed = waitForEvent(stranger, 'close', { what: 'the end of the WebSocket' })
  // One message that never ends, so that nothing of it comes to MQTT.
  stranger.send(Buffer.alloc(200 * KIBIBYTE), { fin: false })
  await closed
  const client = await connectClient(broker.webSocketUrl)
  await client.publishAsync('a', Buffer.alloc(1000 * KIBIBYTE), { qos: 1, retain: true })
  expect((await retainedAt(broker.url, 'a'))?.payload).toHaveLength(1000 * KIBIBYTE)
})

test('a packet that is longer than allowed ends the connection, and the longest is taken', async () => {
  const events: ClientEvent[] = []
  const onClient = (event: ClientEvent) => void events.push(event)
  const broker = await startTestBroker({ directory: temporaryDirectory(), maxPacketBytes: 100 * KIBIBYTE, onClient })
  for (const url of [broker.url, broker.webSocketUrl]) {
    const client = await connectClient(url)
    // Around the payload: 1 byte, 3 of the length, 2 and 1 of the topic, 2 of the packet identifier.
    await client.publishAsync('a', Buffer.alloc(100 * KIBIBYTE - 9), { qos: 1 })
    const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
    client.publish('a', Buffer.alloc(100 * KIBIBYTE - 8), { qos: 1 }, () => {})
    await closed
  }
  const reasons = events.filter(({ kind }) => kind === 'disconnected').map(({ reason }) => reason)
  expect(reasons).toEqual(Array(2).fill('it sends a packet of 102401 bytes, and 102400 are allowed'))
})

test('the length of each packet is found wherever its bytes are cut', () => {
  const packets = [0, 1, 127, 128, 16_383, 16_384, 60_000, 0].map((length) =>
    generate({ cmd: 'publish', topic: 'a', payload: Buffer.alloc(length, 0xff), qos: 0, retain: false, dup: false }),
  )
  const bytes = Buffer.concat([...packets, ...packets])
  const longest = Math.max(...packets.map(({ length }) => length))
  for (const step of [1, 2, 3, 7, 100, 16_384, bytes.length]) {
    const [right, tooSmall] = [new PacketSizes(longest), new PacketSizes(longest - 1)]
    const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, at) =>
      bytes.subarray(at * step, (at + 1) * step),
    )
    expect(() => pieces.forEach((piece) => void right.read(piece))).not.toThrow()
    expect(() => pieces.forEach((piece) => void tooSmall.read(piece))).toThrow(`a packet of ${longest} bytes`)
  }
})

test('of too many connections the oldest that has not logged in goes, over TCP, TLS and WebSocket', async () => {
  const { ca, server } = makeCertificates()
  for (const tls of [undefined, { cert: server.cert, key: server.key }]) {
    const warnings: string[] = []
    const options = { maxConnections: 3, onWarning: (text: string) => void warnings.push(text), ...(tls && { tls }) }
    const broker = await startTestBroker({ directory: temporaryDirectory(), ...options })
    const known = await connectClient(broker.url, { ca })
    const knownBrowser = await connectClient(broker.webSocketUrl, { ca })
    const stranger = await openSocket(portOf(broker.url))
    const strangerClosed = waitForEvent(stranger, 'close', { what: 'the end of the oldest' })
    const third = await connectClient(broker.url, { ca })
    await strangerClosed
    const late = tls === undefined ? await openSocket(portOf(broker.url)) : connectTls(portOf(broker.url), { ca })
    await waitForEvent(
      late.on('error', () => {}),
      'close',
      { what: 'the end of one too many' },
    )
    expect([known, knownBrowser, third].map(({ connected }) => connected)).toEqual([true, true, true])
    expect(warnings).toEqual(['There are 3 connections, and no more can be: the oldest without a login go first.'])
    await third.endAsync()
    await connectClient(broker.url, { ca })
  }
})

/** A client that has subscribed, and reads nothing any more. */
async function sleeper(port: number, filter: string, qos: 0 | 1 = 0): Promise<Socket> {
  const socket = await openSocket(port)
  const connected = waitForEvent(socket, 'data', { what: 'CONNACK' })
  socket.write(connectPacket('sleeper'))
  await connected
  const subscribed = waitForEvent(socket, 'data', { what: 'SUBACK' })
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos }] }))
  await subscribed
  socket.pause()
  return socket
}

test('one subscriber that sleeps holds up nobody, and is disconnected when too much waits for it', {
  timeout: 30_000,
}, async () => {
  const events: ClientEvent[] = []
  const broker = await startTestBroker({
    directory: temporaryDirectory(),
    maxQueueBytes: 8 * 1024 * KIBIBYTE,
    onClient: (event) => void events.push(event),
  })
  for (const qos of [0, 1] as const) {
    const socket = await sleeper(portOf(broker.url), 'stat/#', qos)
    const pt = await openStore({ url: broker.url, name: `big${qos}`, saveTimeoutMs: 2000 })
    const gone = () => events.find(({ kind, clientId }) => kind === 'disconnected' && clientId === 'sleeper')
    for (let save = 0; save < 1000 && gone() === undefined; save++) {
      pt.text = String(save).padEnd(100_000, '.')
      await pt.save()
    }
    const [, waiting] = /^it does not read, and (\d+) bytes wait for it$/.exec(gone()?.reason ?? '') ?? []
    expect(Number(waiting)).toBeGreaterThan(7 * 1024 * KIBIBYTE)
    expect(Number(waiting)).toBeLessThanOrEqual(8 * 1024 * KIBIBYTE)
    events.length = 0
    const other = await openStore({ url: broker.url, name: 'other', saveTimeoutMs: 2000 })
    other.count = qos
    await other.save()
    await Promise.all([pt.$close(), other.$close()])
    socket.destroy()
  }
})

test('a subscriber that sleeps costs others a moment at most, long before it is disconnected', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory(), maxQueueBytes: 512 * 1024 * KIBIBYTE })
  await sleeper(portOf(broker.url), 'stat/#')
  const pt = await openStore({ url: broker.url, name: 'x' })
  const start = performance.now()
  // More than the system takes for a socket that nobody reads.
  for (let save = 0; save < 200; save++) {
    pt.text = String(save).padEnd(100_000, '.')
    await pt.save()
  }
  // A tenth of a second each would be 20 seconds, and a minute with Aedes' own limit.
  expect(performance.now() - start).toBeLessThan(10_000)
  await pt.$close()
})

test('a session whose client stays away keeps a part of what it has missed', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory(), maxQueueBytes: 100 * KIBIBYTE })
  const options = { clientId: 'away', clean: false }
  const away = await connectClient(broker.url, options)
  await away.subscribeAsync('a/#', { qos: 1 })
  await away.endAsync()
  const other = await connectClient(broker.url)
  for (let index = 0; index < 20; index++)
    await other.publishAsync(`a/${index}`, Buffer.alloc(10 * KIBIBYTE), { qos: 1 })
  const got: string[] = []
  const back = connectMqtt(broker.url, { ...options, protocolVersion: 4, reconnectPeriod: 0 })
  onTestFinished(() => void back.end(true))
  back.on('message', (topic) => void got.push(topic))
  await waitFor(() => got.length >= 10, { what: 'what was kept' })
  await back.subscribeAsync('fence')
  await other.publishAsync('fence', '')
  await waitFor(() => got.at(-1) === 'fence', { what: 'the fence' })
  expect(got).toEqual([...Array.from({ length: 10 }, (_, index) => `a/${index}`), 'fence'])
  // What was acknowledged makes room.
  await other.publishAsync('a/later', Buffer.alloc(50 * KIBIBYTE), { qos: 1 })
  await waitFor(() => got.at(-1) === 'a/later', { what: 'a later message' })
})

test('of more sessions than there may be connections, the one whose client has been away longest is forgotten', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory(), maxConnections: 3 })
  const session = (clientId: string) => ({ clientId, clean: false })
  for (const clientId of ['a', 'b', 'c', 'd']) {
    const client = await connectClient(broker.url, session(clientId))
    await client.subscribeAsync(`of/${clientId}`, { qos: 1 })
    await client.endAsync()
    // It has something waiting when it is forgotten.
    const other = await connectClient(broker.url)
    await other.publishAsync(`of/${clientId}`, 'x', { qos: 1 })
    await other.endAsync()
  }
  const present = async (clientId: string) => {
    const got: string[] = []
    const client = connectMqtt(broker.url, { ...session(clientId), protocolVersion: 4, reconnectPeriod: 0 })
    onTestFinished(() => void client.end(true))
    client.on('message', (topic) => void got.push(topic))
    const sessionPresent = await new Promise((resolve) =>
      client.once('connect', (connack) => resolve(connack.sessionPresent)),
    )
    if (sessionPresent) await waitFor(() => got.length > 0, { what: 'what it has missed' })
    await client.endAsync()
    return [sessionPresent, got]
  }
  expect(await present('b')).toEqual([true, ['of/b']])
  expect(await present('a')).toEqual([false, []])
})

test('a limit that is none is told before anything starts', async () => {
  for (const limit of [{ maxPacketBytes: 0 }, { maxConnections: 1.5 }, { maxQueueBytes: Number.NaN }])
    await expect(startBroker({ directory: temporaryDirectory(), ...limit })).rejects.toMatchObject({
      code: 'ERR_PERSIST_OPTION',
    })
})
