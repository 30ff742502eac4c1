import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkServerIdentity, connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from './aedes.ts'
import { mosquittoAvailable, natsAvailable } from './available.ts'
import { makeCertificates } from './certificates.ts'
import { startDelayProxy } from './delay-proxy.ts'
import { type MosquittoOptions, startMosquitto } from './mosquitto.ts'
import { connectClient, retainedAt } from './mqtt-client.ts'
import { startNats } from './nats.ts'
import type { RunningBroker } from './running-broker.ts'
import { waitFor, waitForEvent } from './wait.ts'

async function stopped<T extends RunningBroker>(starting: Promise<T>): Promise<T> {
  const broker = await starting
  onTestFinished(() => broker.stop())
  return broker
}

async function retain(url: string, topic: string, payload: string): Promise<void> {
  const client = await connectClient(url)
  await client.publishAsync(topic, payload, { qos: 1, retain: true })
  await client.endAsync()
}

describe('waiting', () => {
  test('waitFor() returns the first answer that is one, and tells what it waited for in vain', async () => {
    let asked = 0
    expect(await waitFor(() => (++asked === 3 ? 'here' : undefined), { what: 'the third' })).toBe('here')
    const vain = waitFor(() => Promise.reject(new Error('no')), { what: 'a wonder', limitMs: 30 })
    await expect(vain).rejects.toThrow('Waited 30 ms for a wonder')
    const never = waitFor(() => new Promise<true>(() => {}), { what: 'an answer', limitMs: 30 })
    await expect(never).rejects.toThrow('Waited 30 ms for an answer')
  })
})

describe.skipIf(!mosquittoAvailable)('Mosquitto', () => {
  const start = (options?: MosquittoOptions) => stopped(startMosquitto(options))

  test('Mosquitto forgets what is retained when it is killed without persistence, and keeps it with', async () => {
    for (const persistence of [false, true]) {
      const broker = await start({ persistence, config: ['autosave_on_changes true', 'autosave_interval 1'] })
      await retain(broker.url, 'a', '1')
      if (persistence) await waitFor(() => existsSync(join(broker.directory, 'mosquitto.db')), { what: 'its file' })
      await broker.kill('SIGKILL')
      await expect(connectClient(broker.url)).rejects.toThrow()
      await broker.restart()
      expect((await retainedAt(broker.url, 'a'))?.payload.toString()).toBe(persistence ? '1' : undefined)
    }
  })

  test('Mosquitto knows users and an access list', async () => {
    const broker = await start({ users: { ann: 'secret' }, acl: ['user ann', 'topic readwrite garden/#'] })
    await expect(connectClient(broker.url, { username: 'ann', password: 'wrong' })).rejects.toThrow('Not authorized')
    const client = await connectClient(broker.url, { username: 'ann', password: 'secret' })
    const seen: string[] = []
    client.on('message', (topic) => seen.push(topic))
    await client.subscribeAsync('#', { qos: 1 })
    await client.publishAsync('house/1', '', { qos: 1 })
    await client.publishAsync('garden/1', '', { qos: 1 })
    await waitFor(() => seen.includes('garden/1'), { what: 'the message' })
    expect(seen).toEqual(['garden/1'])
  })

  test('Mosquitto speaks WebSocket, and TLS with certificates on both sides', async () => {
    const certificates = makeCertificates()
    const broker = await start({ certificates, requireCertificate: true, webSocket: true })
    const { ca, client } = certificates
    for (const url of [broker.url, broker.webSocketUrl ?? '']) {
      await expect(connectClient(url, { ca: makeCertificates().ca, connectTimeout: 1000 })).rejects.toThrow()
      await expect(connectClient(url, { ca, connectTimeout: 1000 })).rejects.toThrow()
      const allowed = await connectClient(url, { ca, cert: client.cert, key: client.key })
      await allowed.publishAsync('a', '1', { qos: 1, retain: true })
    }
    const plain = await start({ webSocket: true })
    const browser = await connectClient(plain.webSocketUrl ?? '')
    await browser.publishAsync('a', '1', { qos: 1, retain: true })
    expect((await retainedAt(plain.url, 'a'))?.payload.toString()).toBe('1')
    expect(plain.log()).toContain('Received PUBLISH from')
  })
})

describe.skipIf(!natsAvailable)('NATS', () => {
  test('NATS keeps what is retained when it is killed', async () => {
    const broker = await stopped(startNats())
    await retain(broker.url, 'a', '1')
    await broker.kill()
    await broker.restart()
    expect((await retainedAt(broker.url, 'a'))?.payload.toString()).toBe('1')
  })
})

describe('Aedes', () => {
  test('Aedes forgets what is retained when it is killed, and takes the same ports again', async () => {
    const broker = await stopped(startAedes())
    await retain(broker.webSocketUrl, 'a', '1')
    expect((await retainedAt(broker.url, 'a'))?.payload.toString()).toBe('1')
    const client = await connectClient(broker.url)
    const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
    await broker.kill()
    await closed
    await broker.restart()
    expect(await retainedAt(broker.url, 'a')).toBeUndefined()
    expect(await retainedAt(broker.webSocketUrl, 'a')).toBeUndefined()
    expect(broker.log()).toContain('publish a')
  })
})

describe('certificates', () => {
  test('certificates are accepted for localhost and 127.0.0.1 by who knows the authority', async () => {
    const { ca, server: own, client } = makeCertificates()
    const server = createTlsServer({ ...own, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
      socket.on('error', () => {}).end(String(socket.getPeerCertificate().subject.CN))
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    for (const servername of ['localhost', '127.0.0.1']) {
      const socket = connectTls({
        ...{ host: '127.0.0.1', port, ca, cert: client.cert, key: client.key },
        checkServerIdentity: (_name, cert) => checkServerIdentity(servername, cert),
      })
      const [name] = await once(socket, 'data')
      expect(name.toString()).toBe('client')
    }
    const stranger = connectTls({ host: '127.0.0.1', port, ca: makeCertificates().ca })
    const [error] = await waitForEvent(stranger, 'error', { what: 'the refusal' })
    expect(error).toMatchObject({ code: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/) })
  })

  test('certificates can have ended, or be for somebody else', () => {
    const expired = makeCertificates({ expired: true, serverNames: ['other.example'] })
    expect(readFileSync(expired.server.certFile, 'utf8')).toBe(expired.server.cert)
    const read = new X509Certificate(expired.server.cert)
    expect(new Date(read.validTo).getTime()).toBeLessThan(Date.now())
    expect(read.checkHost('localhost')).toBeUndefined()
    expect(read.checkHost('other.example')).toBe('other.example')
  })
})

describe('the delaying proxy', () => {
  test('the delaying proxy makes a round trip as long as asked, in order, and counts', async () => {
    const broker = await stopped(startAedes())
    const proxy = await startDelayProxy({ target: broker.url, delayMs: 25 })
    onTestFinished(() => proxy.close())
    const client = await connectClient(proxy.url)
    const received: string[] = []
    client.on('message', (_topic, payload) => received.push(payload.toString()))
    await client.subscribeAsync('a', { qos: 1 })
    const start = performance.now()
    await client.publishAsync('b', '', { qos: 1 })
    expect(performance.now() - start).toBeGreaterThanOrEqual(50)
    const sent = Array.from({ length: 200 }, (_, index) => String(index))
    await Promise.all(sent.map((text) => client.publishAsync('a', text, { qos: 1 })))
    await waitFor(() => received.length === sent.length, { what: 'all messages' })
    expect(received).toEqual(sent)
    expect([proxy.connections(), proxy.open()]).toEqual([1, 1])
    expect(proxy.bytes().up).toBeGreaterThan(200 * 8)
  })

  test('the delaying proxy holds everything back while frozen, and cuts', async () => {
    const broker = await stopped(startAedes())
    const proxy = await startDelayProxy({ target: broker.url })
    onTestFinished(() => proxy.close())
    const client = await connectClient(proxy.url)
    proxy.freeze()
    const before = proxy.bytes().up
    let acknowledged = false
    const published = client.publishAsync('a', '1', { qos: 1, retain: true }).then(() => {
      acknowledged = true
    })
    await waitFor(() => proxy.bytes().up > before, { what: 'the message at the proxy' })
    // A round trip past the proxy: had the message been let through, it would be there.
    expect(await retainedAt(broker.url, 'a')).toBeUndefined()
    expect(acknowledged).toBe(false)
    proxy.thaw()
    await published
    expect((await retainedAt(broker.url, 'a'))?.payload.toString()).toBe('1')
    const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
    proxy.cut()
    await closed
    await waitFor(() => proxy.open() === 0, { what: 'the end of both sides' })
  })
})
