import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addressOf } from '../../src/mqtt/address.ts'
import { connect, connectBy } from '../../src/mqtt/connect.ts'
import { startAedes } from '../helpers/aedes.ts'

/** A server that does this with each connection, and counts them. */
async function serverThat(behaves: (socket: Socket) => void): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    behaves(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

const closing = (socket: Socket) => void socket.once('data', () => socket.end())

describe('a connection without a pool', () => {
  test('speaks MQTT 3.1.1 with a broker that knows no other', async () => {
    const broker = await startAedes()
    onTestFinished(() => broker.stop())
    const connection = await connect(addressOf({ url: broker.url, protocolVersion: 'auto' }), 5000)
    expect(connection.protocolVersion).toBe(4)
    await connection.end()
  })

  test.each([
    ['auto', 4],
    [4, 2],
    [5, 2],
  ] as const)('with the version %s is tried %i times where the broker closes', async (protocolVersion, attempts) => {
    const { url, sockets } = await serverThat(closing)
    const error = { code: 'ERR_PERSIST_CONNECT', store: url, message: expect.stringContaining('no CONNACK came') }
    await expect(connect(addressOf({ url, protocolVersion }), 5000)).rejects.toMatchObject(error)
    expect(sockets).toHaveLength(attempts)
  })

  test('has one limit for all attempts, says what it waited for, and leaves nothing open', async () => {
    const { url, sockets } = await serverThat((socket) => {
      if (sockets.length === 1) closing(socket)
    })
    await expect(connect(addressOf({ url, protocolVersion: 'auto' }), 2000)).rejects.toMatchObject({
      code: 'ERR_PERSIST_TIMEOUT',
      message: expect.stringMatching(/within 2000 ms\. It was waiting for CONNACK/),
    })
    expect(sockets).toHaveLength(2)
    const last = sockets[1] as Socket
    if (!last.closed) await once(last.resume(), 'close')
  })
})

test('whoever connects may end it, also while the connection is made usable, for a reason of its own', async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const address = addressOf({ url: broker.url, protocolVersion: 4 })
  const closing = new AbortController()
  const reason = new Error('closed by its user')
  let attempts = 0
  const connecting = connectBy(
    {
      storeName: 'x',
      servers: address.servers,
      first: (server) => ({ protocolVersion: 4, isPipelined: false, server }),
      settingsOf: ({ server, protocolVersion }) => ({ ...address, ...server, protocolVersion, clientId: 'one' }),
      prepare: async (connection) => {
        attempts += 1
        closing.abort(reason)
        await connection.orLost(new Promise<never>(() => {}))
      },
      next: (_failure, attempt) => attempt,
    },
    { limitMs: 5000, closing: closing.signal },
  )
  await expect(connecting).rejects.toBe(reason)
  expect(attempts).toBe(1)
})
