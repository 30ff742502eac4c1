import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitForEvent, within } from '../helpers/wait.ts'
import { startTestBroker } from './fixture.ts'

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a WebSocket client sees what a TCP client has saved, and the other way round', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory() })
  const tcp = await connectClient(broker.url)
  const browser = await connectClient(broker.webSocketUrl)
  await tcp.publishAsync('a', '1', { qos: 1, retain: true })
  await browser.publishAsync('b', Buffer.alloc(200_000, '2'), { qos: 1, retain: true })
  expect((await retainedAt(broker.webSocketUrl, 'a'))?.payload.toString()).toBe('1')
  expect((await retainedAt(broker.url, 'b'))?.payload).toHaveLength(200_000)
})

test('a port that is taken is an error that names it, or any other port where that is allowed', async () => {
  const directory = temporaryDirectory()
  const port = await takenPort()
  for (const ports of [{ port }, { webSocketPort: port }]) {
    await expect(startTestBroker({ directory, ...ports })).rejects.toMatchObject({
      code: 'ERR_PERSIST_FAILED',
      message: expect.stringMatching(new RegExp(`127.0.0.1:${port}: .*EADDRINUSE.* choose another port`)),
    })
  }
  // A start that failed has let go of the directory, and of the port that was free.
  const broker = await startTestBroker({ directory, port, webSocketPort: port, portFallback: true })
  expect(broker.url).not.toContain(`:${port}`)
  await connectClient(broker.url)
  await connectClient(broker.webSocketUrl)
})

test('nobody gets into a broker with a password without it', async () => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory, username: 'ann', password: 'sesame' })
  await connectClient(broker.url, { username: 'ann', password: 'sesame' })
  const wrong = [{}, { username: 'ann' }, { username: 'ann', password: 'x' }, { username: 'x', password: 'sesame' }]
  for (const url of [broker.url, broker.webSocketUrl]) {
    for (const options of wrong) {
      await expect(connectClient(url, options)).rejects.toThrow('Connection refused: Bad username or password')
    }
  }
  await expect(startBroker({ directory: temporaryDirectory(), username: 'ann' })).rejects.toMatchObject({
    code: 'ERR_PERSIST_OPTION',
  })
})

test('a close ends everything, also connections that never said a word, and may be called twice', async () => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory })
  const silent = [broker.url, broker.webSocketUrl].map((url) => connect(Number(new URL(url).port), '127.0.0.1'))
  for (const socket of silent)
    await once(
      socket.on('error', () => {}),
      'connect',
    )
  const client = await connectClient(broker.webSocketUrl)
  const closed = [...silent, client].map((one) => waitForEvent(one, 'close', { what: 'the end of a connection' }))
  await within(Promise.all([broker.close(), broker.close()]), { what: 'the close' })
  await Promise.all(closed)
  await expect(connectClient(broker.url)).rejects.toThrow('ECONNREFUSED')
  await startTestBroker({ directory })
})

test('topics of the broker itself cannot be written', async () => {
  const broker = await startTestBroker({ directory: temporaryDirectory() })
  const client = await connectClient(broker.url)
  const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
  client.publish('$SYS/a', '1', { qos: 1, retain: true }, () => {})
  await closed
  expect(await retainedAt(broker.url, '$SYS/a')).toBeUndefined()
})

test('a directory that cannot be used says why', async () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, '')
  await expect(startTestBroker({ directory: join(file, 'below') })).rejects.toMatchObject({
    code: 'ERR_PERSIST_FAILED',
    message: expect.stringContaining(file),
  })
  const directory = temporaryDirectory()
  const inTheWay = join(directory, 'retained.log')
  mkdirSync(inTheWay)
  await expect(startTestBroker({ directory })).rejects.toMatchObject({ code: 'ERR_PERSIST_FAILED' })
  rmSync(inTheWay, { recursive: true })
  // And it has let go of it.
  await startTestBroker({ directory })
})

test('no topic that a client may give keeps the broker from going on, or from starting again', async () => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory })
  const deep = { topic: 'level/'.repeat(150), payload: Buffer.from('1'), qos: 1 as const, retain: true }
  const dying = await connectClient(broker.url, { will: deep })
  dying.stream.destroy()
  // A topic of 60,000 bytes that are no UTF-8, in a raw PUBLISH at QoS 1: packet type, length (varint), topic, id, payload.
  const raw = await connectClient(broker.url)
  const acknowledged = waitForEvent(raw, 'packetreceive', { what: 'the PUBACK' })
  const publish = Buffer.from([0x33, 0xe5, 0xd4, 0x03, 0xea, 0x60, ...Array(60_000).fill(0xff), 0, 9, 0x31])
  raw.stream.write(publish)
  expect((await acknowledged)[0]).toMatchObject({ cmd: 'puback', messageId: 9 })
  const other = await connectClient(broker.url)
  await other.publishAsync('a', '1', { qos: 1, retain: true })
  await broker.close()
  const second = await startTestBroker({ directory })
  expect(second.restored).toBe(2)
  expect((await retainedAt(second.url, 'a'))?.payload.toString()).toBe('1')
})
