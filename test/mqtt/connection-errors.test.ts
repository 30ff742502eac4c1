import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mqttBackend } from '../../src/backends/mqtt/mqtt-backend.ts'
import { NO_LISTENER } from '../../src/backends/no-listener.ts'
import { makeBackend, openBackend, openingError } from '../backends/mqtt/fixture.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { freePort } from '../helpers/free-port.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { running } from '../helpers/opened-at.ts'

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('what keeps a store from being opened', () => {
  test('options that cannot be meant are refused, and no password is shown', () => {
    const options = { topic: 'a', protocolVersion: 'auto' } as const
    for (const url of [
      'localhost',
      'http://localhost',
      'mqtt:',
      'mqtt://',
      'mqtt://u:secret%zz@host',
      '::secret@host',
    ]) {
      const make = () => mqttBackend({ ...options, url })
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_OPTION', received: 'url' }))
      expect(make).not.toThrow(/secret/)
    }
    expect(() => mqttBackend({ ...options, url: 'mqtt://localhost', password: 'x' })).toThrow(/Option password/)
  })

  test('the place of a backend names the port in any case, and neither user nor password', () => {
    const place = (url: string) => makeBackend({ url, topic: 't' }).place
    expect(place('mqtt://ann:secret@localhost')).toBe('mqtt://localhost:1883 t')
    expect(place('mqtts://[::1]')).toBe('mqtts://[::1]:8883 t')
    expect(place('ws://host/mqtt?token=secret')).toBe('ws://host:80/mqtt t')
    expect(place('wss://host')).toBe('wss://host:443 t')
  })

  test('a host that does not exist is named in the error', async () => {
    // RFC 6761: .invalid never exists. A machine without a name server says EAI_AGAIN.
    const error = await openingError({ url: 'mqtt://broker.invalid' })
    expect(error).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      received: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
      message: expect.stringContaining('no host broker.invalid'),
    })
  })

  test('a port where nothing listens is an error with the url, also for localhost with its two addresses', async () => {
    const port = await freePort()
    for (const url of [
      `mqtt://127.0.0.1:${port}`,
      `mqtt://localhost:${port}`,
      `mqtts://127.0.0.1:${port}`,
      `ws://127.0.0.1:${port}`,
    ]) {
      expect(await openingError({ url, name: 'garage' })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
        received: 'ECONNREFUSED',
        message: expect.stringContaining(`'garage' (${url} `),
      })
    }
  })

  test('a server that takes connections and never answers is a timeout that says what did not come', async () => {
    const port = await listening(createServer(() => {}))
    const answers = { mqtt: 'CONNACK', mqtts: 'does not begin with TLS', ws: 'CONNACK' }
    for (const [scheme, text] of Object.entries(answers)) {
      expect(await openingError({ url: `${scheme}://127.0.0.1:${port}` }, 300)).toMatchObject({
        code: 'ERR_PERSIST_TIMEOUT',
        message: expect.stringContaining(text),
      })
    }
  })

  test('a web server is known for what it is, by every scheme', async () => {
    const port = await listening(createHttpServer((_request, response) => response.writeHead(404).end('no')))
    expect(await openingError({ url: `mqtt://127.0.0.1:${port}` })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringMatching(/no MQTT broker; it sent "HTTP\/1.1 400 Bad Request".*web server/),
    })
    expect(await openingError({ url: `ws://127.0.0.1:${port}` })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringMatching(/no WebSocket could be opened/),
    })
    expect(await openingError({ url: `mqtts://127.0.0.1:${port}` })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringMatching(/does not speak TLS.*mqtt: in option url/),
    })
  })

  test('a server that closes at once is asked with both protocols, step by step too, and is an error then', async () => {
    let connections = 0
    const port = await listening(
      createServer((socket) => {
        connections += 1
        socket.on('error', () => {})
        socket.once('data', () => socket.end())
      }),
    )
    expect(await openingError({ url: `mqtt://127.0.0.1:${port}` })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringContaining('no CONNACK came'),
    })
    expect(connections).toBe(4)
  })

  test('close() rejects an opening that is under way', async () => {
    const port = await listening(createServer(() => {}))
    const backend = makeBackend({ url: `mqtt://127.0.0.1:${port}` })
    const opening = backend.open(NO_LISTENER, 60_000)
    await backend.close()
    await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
  })
})

describe.skipIf(!mosquittoAvailable)('who may come in', () => {
  test('user name and password, as options or in the url, are wanted and must be right', async () => {
    const { url } = await running(startMosquitto({ users: { ann: 'p@ss/1' } }))
    const inUrl = url.replace('//', '//ann:p%40ss%2F1@')
    await openBackend({ url, username: 'ann', password: 'p@ss/1' })
    await openBackend({ url: inUrl })
    await openBackend({ url: inUrl, protocolVersion: 4 })
    for (const protocolVersion of [4, 5] as const) {
      const wrong = await openingError({ url, username: 'ann', password: 'sesame', protocolVersion })
      expect(wrong).toMatchObject({ code: 'ERR_PERSIST_DENIED', message: expect.stringContaining("user 'ann'") })
      expect(wrong.message).not.toContain('sesame')
      const none = await openingError({ url, protocolVersion })
      expect(none).toMatchObject({
        code: 'ERR_PERSIST_DENIED',
        message: expect.stringContaining('username and password'),
      })
    }
  })

  test('a protocol version that the broker does not have is an error that says what to set', async () => {
    const { url } = await running(startAedes())
    expect(await openingError({ url, protocolVersion: 5 })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringMatching(/does not speak MQTT 5.*protocolVersion to 'auto'/),
    })
  })
})
