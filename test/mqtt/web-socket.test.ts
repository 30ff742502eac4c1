import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { addressOf } from '../../src/mqtt/address.ts'
import { connect } from '../../src/mqtt/connect.ts'
import type { Connection } from '../../src/mqtt/connection.ts'
import { parseEndpoint } from '../../src/mqtt/transport/endpoint.ts'
import type { TransportListener } from '../../src/mqtt/transport/transport.ts'
import { overWebSocket, type WebSocketLike } from '../../src/mqtt/transport/web-socket.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { waitFor, within } from '../helpers/wait.ts'
import { hex, joined } from './codec/packet-bytes.ts'
import { connectionTo, rejection } from './scripted-server.ts'

const CONNACK = hex('20 03 0000 00')

interface Visitor {
  readonly socket: WebSocket
  readonly protocol: string
  /** All that has come, a part for each frame. */
  readonly frames: Uint8Array[]
  /** How the client closed: its close code, 1006 without a word. */
  readonly closed: Promise<number>
}

/** A server of WebSockets that does this with each. */
async function serverThat(behaves: (visitor: Visitor) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const visitors: Visitor[] = []
  server.on('connection', (socket) => {
    const frames: Uint8Array[] = []
    const closed = new Promise<number>((resolve) => void socket.on('close', resolve))
    const visitor: Visitor = { socket, protocol: socket.protocol, frames, closed }
    socket.on('message', (data) => {
      frames.push(new Uint8Array(data as Buffer))
      if (frames.length === 1) behaves(visitor)
    })
    socket.on('error', () => {})
    visitors.push(visitor)
  })
  onTestFinished(() => {
    for (const { socket } of visitors) socket.terminate()
    server.close()
  })
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, visitors }
}

/** A connection that CONNACK has come on. */
async function opened(): Promise<{ connection: Connection; visitor: Visitor }> {
  const { url, visitors } = await serverThat(({ socket }) => socket.send(CONNACK))
  const connection = connectionTo(url)
  await within(connection.opened, { what: 'CONNACK' })
  return { connection, visitor: visitors[0] as Visitor }
}

/** What has come there, read by mqtt-packet. */
function commands({ frames }: Visitor): string[] {
  const found: string[] = []
  const parser = mqttPacket.parser({ protocolVersion: 5 })
  parser.on('packet', ({ cmd }) => found.push(cmd))
  parser.parse(Buffer.from(joined(frames)))
  return found
}

describe('over a WebSocket', () => {
  test('what is sent before it is open goes out with CONNECT, as the subprotocol mqtt', async () => {
    const { url, visitors } = await serverThat(({ socket }) => socket.send(CONNACK))
    const connection = connectionTo(url)
    const asked = connection.subscribe(['t'])
    await connection.opened
    const [visitor] = visitors
    expect(visitor?.protocol).toBe('mqtt')
    expect(visitor?.frames).toHaveLength(1)
    expect(commands(visitor as Visitor)).toEqual(['connect', 'subscribe'])
    visitor?.socket.send(hex('90 04 0001 00 01'))
    expect(await asked).toMatchObject({ reasonCodes: [1] })
  })

  test('frames are no packets: one may have several, or a part, or nothing', async () => {
    const { connection, visitor } = await opened()
    const told: string[] = []
    connection.onMessage = ({ topic }) => told.push(topic)
    const bytes = hex('30 05 0001 61 00 31 30 05 0001 62 00 32 32 07 0001 63 0001 00 33')
    for (const [from, to] of [
      [0, 1],
      [1, 9],
      [9, 9],
      [9, 20],
      [20, bytes.length],
    ])
      visitor.socket.send(bytes.subarray(from, to))
    // One message of a WebSocket may come in fragments, too (RFC 6455, 5.4).
    visitor.socket.send(hex('30 05 00'), { fin: false })
    visitor.socket.send(hex('01 64 00 34'), { fin: true })
    await waitFor(() => told.length === 4, { what: 'four messages' })
    expect(told).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a text frame ends it, also one that could be read', async () => {
    // CONNACK and PUBLISH are ASCII here.
    const early = await serverThat(({ socket }) => socket.send('\x20\x03\0\0\0'))
    const error = await rejection(connect(addressOf({ url: early.url, protocolVersion: 5 }), 5000))
    expect(error).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringContaining('[MQTT-6.0.0-1]'),
    })
    const { connection, visitor } = await opened()
    const told: unknown[] = []
    connection.onMessage = (message) => told.push(message)
    visitor.socket.send('0\x05\0\x01a\x001')
    expect(await within(connection.lost, { what: 'the end' })).toMatchObject({ kind: 'network' })
    expect(told).toEqual([])
  })

  test('what is no MQTT is told by DISCONNECT, and the WebSocket is closed in order', async () => {
    const { connection, visitor } = await opened()
    visitor.socket.send(hex('00 00'))
    expect(await within(connection.lost, { what: 'the end' })).toMatchObject({ kind: 'malformed' })
    expect(await visitor.closed).toBe(1005)
    expect(commands(visitor)).toEqual(['connect', 'disconnect'])
  })

  test('end() sends DISCONNECT and closes in order, destroy() does not', async () => {
    const one = await opened()
    await within(one.connection.end(), { what: 'the end' })
    expect(await one.visitor.closed).toBe(1005)
    expect(commands(one.visitor)).toEqual(['connect', 'disconnect'])
    const other = await opened()
    other.connection.destroy()
    expect(await within(other.visitor.closed, { what: 'the end' })).toBe(1006)
    expect(commands(other.visitor)).toEqual(['connect'])
  })

  test('a server that closes, with a close code or without a word, has closed the connection', async () => {
    for (const leave of [
      ({ socket }: Visitor) => socket.close(1011, 'no more'),
      ({ socket }: Visitor) => socket.terminate(),
    ]) {
      const { connection, visitor } = await opened()
      const pending = connection.publish('t', bytesOf('1'), false)
      leave(visitor)
      expect(await within(connection.lost, { what: 'the end' })).toEqual({ kind: 'closed' })
      expect(await rejection(pending)).toMatchObject({ failure: { kind: 'closed' } })
    }
  })

  test('one that is let go while it is being opened leaves nothing, and is no other failure', async () => {
    // Takes the request, and never answers.
    const requests: string[] = []
    const server = createServer().on('upgrade', ({ url }, socket) => {
      requests.push(url ?? '')
      // A web server lets a socket stay half open.
      socket.on('end', () => socket.end())
      socket.on('error', () => {}).resume()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const leave of ['end', 'destroy'] as const) {
      const connection = connectionTo(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/x?y=1`)
      const count = requests.length
      await waitFor(() => requests.length > count, { what: 'a request' })
      await connection[leave]()
      expect(await within(connection.lost, { what: 'the end' })).toEqual({ kind: 'ended' })
    }
    expect(requests).toEqual(['/x?y=1', '/x?y=1'])
    server.close()
    await within(once(server, 'close'), { what: 'the end of all connections' })
  })
})

describe("a browser's WebSocket", () => {
  /** What a browser has, as far as it is used; the real one is in test/built/browser.test.ts. */
  class Browser implements WebSocketLike {
    binaryType = 'blob'
    readyState = 0
    onopen: WebSocketLike['onopen'] = null
    onmessage: WebSocketLike['onmessage'] = null
    onerror: WebSocketLike['onerror'] = null
    onclose: WebSocketLike['onclose'] = null
    readonly sent: Uint8Array[] = []
    send(bytes: Uint8Array): void {
      this.sent.push(bytes)
    }
    close(): void {
      this.readyState = 2
    }
  }

  function over(url: string) {
    const browser = new Browser()
    const told: string[] = []
    const listener: TransportListener = {
      reached: (what) => told.push(what),
      received: (bytes) => told.push(`${bytes.length} bytes`),
      drained: () => told.push('drained'),
      failed: (error) => told.push(`failed: ${(error as Error).message}`),
      closed: () => told.push('closed'),
    }
    return { browser, told, transport: overWebSocket(browser, parseEndpoint(url), listener) }
  }

  test('says of a connection that breaks only that it is closed, which is what it then is', () => {
    const { browser, told } = over('wss://host')
    browser.readyState = 1
    browser.onopen?.({} as never)
    browser.onerror?.({})
    browser.onclose?.({} as never)
    expect(told).toEqual(['tls', 'closed'])
  })

  test('that cannot be opened has failed', () => {
    const { browser, told } = over('ws://host')
    browser.onerror?.({})
    browser.onclose?.({} as never)
    expect(told).toEqual(['failed: WebSocket error', 'closed'])
  })

  test('that is closing gets nothing more, neither now nor later', () => {
    const { browser, transport } = over('ws://host')
    transport.send([Uint8Array.of(1)])
    browser.readyState = 1
    browser.onopen?.({} as never)
    transport.end()
    transport.send([Uint8Array.of(2)])
    browser.onopen?.({} as never)
    expect(browser.sent).toEqual([Uint8Array.of(1)])
  })
})
