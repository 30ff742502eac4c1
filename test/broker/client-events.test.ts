import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { ClientEvent } from '../../src/broker/client-events.ts'
import type { BrokerOptions } from '../../src/broker/start-broker.ts'
import { connectClient } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'
import { startTestBroker } from './fixture.ts'

async function startToldBroker(options: Partial<BrokerOptions> = {}) {
  const events: ClientEvent[] = []
  const onClient = (event: ClientEvent) => void events.push(event)
  const broker = await startTestBroker({ directory: temporaryDirectory(), onClient, ...options })
  const told = (count: number) => waitFor(() => events.length >= count, { what: `${count} events` })
  return { broker, events, told }
}

const address = '127.0.0.1'

test('a client is told of when it comes and when it goes, with its user, over TCP and WebSocket', async () => {
  const { broker, events, told } = await startToldBroker()
  for (const [index, url] of [broker.url, broker.webSocketUrl].entries()) {
    const client = await connectClient(url, { clientId: `me${index}`, username: 'ann', password: 'x' })
    await told(2 * index + 1)
    await client.endAsync()
    await told(2 * index + 2)
  }
  const facts = [0, 1].map((index) => ({ clientId: `me${index}`, username: 'ann', address }))
  expect(events).toEqual([
    { kind: 'connected', ...facts[0] },
    { kind: 'disconnected', ...facts[0] },
    { kind: 'connected', ...facts[1] },
    { kind: 'disconnected', ...facts[1] },
  ])
})

test('a client that is refused is told of once, with why', async () => {
  const { broker, events } = await startToldBroker({ username: 'ann', password: 'sesame' })
  const login = { clientId: 'me', username: 'ann', password: 'x' }
  await expect(connectClient(broker.url, login)).rejects.toThrow('Bad username or password')
  await expect(connectClient(broker.url, { clientId: 'me', protocolVersion: 5 })).rejects.toThrow()
  await broker.close()
  expect(events).toEqual([
    { kind: 'refused', clientId: 'me', username: 'ann', address, reason: 'wrong user name or password' },
    { kind: 'refused', clientId: 'me', address, reason: 'it speaks MQTT 5, and this broker MQTT 3.1.1' },
  ])
})

test('a connection that speaks no MQTT is told of as failed, once', async () => {
  const { broker, events, told } = await startToldBroker()
  const socket = connect(Number(new URL(broker.url).port), address)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => {}).write('GET / HTTP/1.1\r\n\r\n')
  await told(1)
  await broker.close()
  expect(events).toEqual([{ kind: 'failed', clientId: '', address, reason: expect.stringMatching(/./) }])
})

test('a client that breaks the protocol is told of with the reason, when it is gone', async () => {
  const { broker, events, told } = await startToldBroker()
  const client = await connectClient(broker.url, { clientId: 'me' })
  client.stream.write(Buffer.from([0xf0, 0xff, 0xff, 0xff, 0xff, 0xff]))
  await told(2)
  expect(events).toEqual([
    { kind: 'connected', clientId: 'me', address },
    { kind: 'disconnected', clientId: 'me', address, reason: expect.stringMatching(/./) },
  ])
})

test('a client that does not take what it has subscribed to is one event, not one for each message', async () => {
  const { broker, events, told } = await startToldBroker()
  const deaf = await connectClient(broker.url, { clientId: 'deaf' })
  await deaf.subscribeAsync('a', { qos: 1 })
  deaf.stream.pause()
  const publisher = await connectClient(broker.url, { clientId: 'publisher' })
  // Many more than a socket takes that nobody reads.
  const sent = Promise.allSettled(
    Array.from({ length: 300 }, () => publisher.publishAsync('a', Buffer.alloc(100_000), { qos: 1 })),
  )
  await waitFor(() => publisher.stream.writableLength > 0, { what: 'the publisher to have to wait' })
  deaf.stream.destroy()
  await told(3)
  await sent
  await broker.close()
  expect(events.map(({ kind, clientId }) => `${kind} ${clientId}`).sort()).toEqual([
    'connected deaf',
    'connected publisher',
    'disconnected deaf',
    'disconnected publisher',
  ])
})
