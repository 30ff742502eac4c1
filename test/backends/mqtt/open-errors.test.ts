import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MqttBackendOptions } from '../../../src/backends/mqtt.ts'
import type { PersistError, PersistErrorCode } from '../../../src/errors.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { waitFor } from '../../helpers/wait.ts'
import {
  bytesOf,
  errorOf,
  Listener,
  makeBackend,
  nothingLeftOpen,
  openBackend,
  startOddServer,
  stopped,
} from './fixture.ts'

interface Expected {
  readonly code: PersistErrorCode
  readonly says: RegExp
  readonly limitMs?: number
}

/** Opens in vain; the error must come in time, name the place without the password, and nothing may be left. */
async function failsToOpen(
  options: Partial<MqttBackendOptions> & { url: string },
  { code, says, limitMs = 3000 }: Expected,
): Promise<PersistError> {
  const listener = new Listener()
  const backend = makeBackend(options)
  const error = await errorOf(backend.open(listener, limitMs), limitMs)
  expect(`${error.code} ${error.message}`).toMatch(says)
  expect(error.code).toBe(code)
  const { protocol, hostname, port } = new URL(options.url)
  expect(error.message).toContain(`${protocol}//${hostname}:${port}`)
  expect(error.message).not.toContain('secret')
  expect(listener.calls).toEqual([])
  await nothingLeftOpen()
  expect((await errorOf(backend.write(bytesOf('{}'), 100))).name).toBe('PersistError')
  await backend.close()
  return error
}

describe('open() fails within its time and says why', () => {
  test('a host that does not exist', async () => {
    const url = 'mqtt://ann:secret@no-such-host.invalid:1883'
    await failsToOpen({ url }, { code: 'ERR_PERSIST_CONNECT', says: /no host of that name|looked up/ })
  })

  test.each(['mqtt', 'mqtts', 'ws', 'wss'])('nothing listens (%s)', async (scheme) => {
    const url = `${scheme}://ann:secret@127.0.0.1:${await freePort()}`
    await failsToOpen({ url }, { code: 'ERR_PERSIST_CONNECT', says: /nothing listens there/ })
  })

  test.each(['auto', 4, 5] as const)('a server that accepts and never answers (%s)', async (protocolVersion) => {
    const server = await startOddServer(() => {})
    const url = server.url.replace('//', '//ann:secret@')
    const expected = { code: 'ERR_PERSIST_TIMEOUT', says: /within 300 ms/, limitMs: 300 } as const
    await failsToOpen({ url, protocolVersion }, expected)
    await failsToOpen({ url: url.replace('mqtt:', 'mqtts:'), protocolVersion }, expected)
    await failsToOpen({ url: url.replace('mqtt:', 'ws:'), protocolVersion }, expected)
    expect(server.open()).toBe(0)
  })

  test.each(['auto', 4, 5] as const)('a server that closes at once (%s)', async (protocolVersion) => {
    const server = await startOddServer((socket) => void socket.end())
    await failsToOpen(
      { url: server.url, protocolVersion },
      { code: 'ERR_PERSIST_CONNECT', says: /closed the connection/ },
    )
    await failsToOpen(
      { url: server.url.replace('mqtt:', 'mqtts:'), protocolVersion },
      { code: 'ERR_PERSIST_CONNECT', says: /TLS/ },
    )
    await failsToOpen(
      { url: server.url.replace('mqtt:', 'ws:'), protocolVersion },
      { code: 'ERR_PERSIST_CONNECT', says: /./ },
    )
  })

  test.each([
    ['text', Buffer.from('+OK hello, this is another protocol\r\n')],
    ['a packet of a server', Buffer.from([0xc0, 0x00])],
    ['ones', Buffer.alloc(2000, 0xff)],
    ['an endless packet', Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1])],
  ])('a server that sends garbage: %s', async (_name, garbage) => {
    const server = await startOddServer((socket) => void socket.write(garbage))
    const listener = new Listener()
    const error = await errorOf(makeBackend({ url: server.url }).open(listener, 1000), 1000)
    expect(error.message).toContain(server.url)
    expect(['ERR_PERSIST_CONNECT', 'ERR_PERSIST_TIMEOUT']).toContain(error.code)
    await nothingLeftOpen()
  })

  test('a web server', async () => {
    const server = createHttpServer((_request, response) => response.writeHead(200).end('hello')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    await failsToOpen({ url: `mqtt://127.0.0.1:${port}` }, { code: 'ERR_PERSIST_CONNECT', says: /MQTT/ })
    await failsToOpen(
      { url: `ws://127.0.0.1:${port}/mqtt` },
      { code: 'ERR_PERSIST_CONNECT', says: /no MQTT over WebSocket.*200/ },
    )
    await failsToOpen({ url: `mqtts://127.0.0.1:${port}` }, { code: 'ERR_PERSIST_CONNECT', says: /TLS/ })
  })

  test('a certificate that is no PEM text', async () => {
    const server = await startOddServer(() => {})
    const url = server.url.replace('mqtt:', 'mqtts:')
    await failsToOpen({ url, tls: { cert: 'no PEM', key: 'no PEM' } }, { code: 'ERR_PERSIST_OPTION', says: /tls/ })
  })
})

describe.skipIf(!mosquittoAvailable)('open() at Mosquitto fails and says why', () => {
  test.each(['auto', 4, 5] as const)('a wrong password, and none (%s)', async (protocolVersion) => {
    const broker = await stopped(startMosquitto({ users: { ann: 'right' } }))
    const expected = { code: 'ERR_PERSIST_DENIED', says: /user name or password/ } as const
    await failsToOpen({ url: broker.url, username: 'ann', password: 'secret', protocolVersion }, expected)
    await failsToOpen({ url: broker.url.replace('//', '//ann:secret@'), protocolVersion }, expected)
    await failsToOpen({ url: broker.url, protocolVersion }, expected)
    const { held } = await openBackend({ url: broker.url.replace('//', '//ann:right@'), protocolVersion })
    expect(held.bytes).toBeNull()
  })

  test('an authority that is not trusted, and one that is', async () => {
    const certificates = makeCertificates()
    const broker = await stopped(startMosquitto({ certificates, webSocket: true }))
    for (const url of [broker.url, broker.webSocketUrl ?? '']) {
      const expected = { code: 'ERR_PERSIST_CONNECT', says: /certificate is not trusted.*tls\.ca/ } as const
      await failsToOpen({ url }, expected)
      await failsToOpen({ url, tls: { ca: makeCertificates().ca } }, expected)
      const { held } = await openBackend({ url, tls: { ca: certificates.ca } })
      expect(held).toMatchObject({ bytes: null, proof: 'fence', protocolVersion: 5 })
    }
    const { held } = await openBackend({ url: broker.url, tls: { rejectUnauthorized: false } })
    expect(held.bytes).toBeNull()
  })

  test('a certificate for another host name', async () => {
    const certificates = makeCertificates({ serverNames: ['broker.example'] })
    const broker = await stopped(startMosquitto({ certificates }))
    const tls = { ca: certificates.ca }
    await failsToOpen({ url: broker.url, tls }, { code: 'ERR_PERSIST_CONNECT', says: /another host name.*servername/ })
    const { held } = await openBackend({ url: broker.url, tls: { ...tls, servername: 'broker.example' } })
    expect(held.bytes).toBeNull()
  })

  test('a certificate that has expired', async () => {
    const certificates = makeCertificates({ expired: true })
    const broker = await stopped(startMosquitto({ certificates }))
    await failsToOpen(
      { url: broker.url, tls: { ca: certificates.ca } },
      { code: 'ERR_PERSIST_CONNECT', says: /has expired/ },
    )
  })

  test('a client certificate that is missing, or of another authority', async () => {
    const certificates = makeCertificates()
    const broker = await stopped(startMosquitto({ certificates, requireCertificate: true, webSocket: true }))
    const { ca, client } = certificates
    const expected = { code: 'ERR_PERSIST_DENIED', says: /client certificate.*tls\.cert and tls\.key/ } as const
    for (const url of [broker.url, broker.webSocketUrl ?? '']) {
      await failsToOpen({ url, tls: { ca } }, expected)
      const other = makeCertificates().client
      await failsToOpen({ url, tls: { ca, cert: other.cert, key: other.key } }, expected)
      const { held } = await openBackend({ url, tls: { ca, cert: client.cert, key: client.key } })
      expect(held.bytes).toBeNull()
    }
  })

  test('TLS at a plain port, and plain at a TLS port', async () => {
    const plain = await stopped(startMosquitto())
    const url = plain.url.replace('mqtt:', 'mqtts:')
    await failsToOpen({ url }, { code: 'ERR_PERSIST_CONNECT', says: /does it speak TLS/, limitMs: 2000 })
    const secured = await stopped(startMosquitto({ certificates: makeCertificates() }))
    const wrong = secured.url.replace('mqtts:', 'mqtt:')
    await failsToOpen(
      { url: wrong },
      { code: 'ERR_PERSIST_CONNECT', says: /is it an MQTT broker, and does it want TLS/, limitMs: 2000 },
    )
  })

  test('a link that breaks off silently after CONNACK', async () => {
    const broker = await stopped(startMosquitto())
    // Slow enough that the answer to what follows CONNACK comes after the link is frozen.
    const proxy = await startDelayProxy({ target: broker.url, delayMs: 50 })
    onTestFinished(() => proxy.close())
    const backend = makeBackend({ url: proxy.url })
    const opening = errorOf(backend.open(new Listener(), 400), 400)
    await waitFor(() => proxy.bytes().down > 0, { what: 'CONNACK' })
    proxy.freeze()
    const error = await opening
    expect(error.code).toBe('ERR_PERSIST_TIMEOUT')
    // The proxy's own two sockets stay: what it holds back is not over.
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    await waitFor(() => sockets() <= 2, { what: 'the connection to be closed' })
  })
})
