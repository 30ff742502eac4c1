import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { openBackend } from './fixture.ts'

test('a broker that speaks 3.1.1 only costs one more connection, and only once', async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const proxy = await startDelayProxy({ target: broker.url })
  onTestFinished(() => proxy.close())
  for (const connections of [2, 3, 4]) {
    const { held, write } = await openBackend({ url: proxy.url })
    expect(held.protocolVersion).toBe(4)
    expect(await write('{"a":1}')).toBe('written')
    expect(proxy.connections()).toBe(connections)
  }
})

test.skipIf(!mosquittoAvailable)(
  'a broker that closes where more comes with CONNECT gets one step after the other, and that is remembered',
  async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    let connections = 0
    const server = createServer((socket) => {
      connections += 1
      socket.on('error', () => {})
      socket.once('data', (data) => {
        // The first packet, whose length is in its second byte.
        if (data.length > 2 + (data[1] as number)) {
          socket.end()
          return
        }
        const upstream = connect(broker.port, '127.0.0.1').on('error', () => {})
        upstream.write(data)
        socket.pipe(upstream).pipe(socket)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
    // MQTT 5 and 3.1.1, both closed, then MQTT 5 step by step; after that at once.
    for (const count of [3, 4]) {
      const { held, write } = await openBackend({ url })
      expect(held.protocolVersion).toBe(5)
      expect(await write('{"a":1}')).toBe('written')
      expect(connections).toBe(count)
    }
  },
)
