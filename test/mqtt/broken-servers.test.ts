import { describe, expect, onTestFinished, test } from 'vitest'
import { addressOf } from '../../src/mqtt/address.ts'
import { MalformedPacket } from '../../src/mqtt/codec/malformed-packet.ts'
import { connect } from '../../src/mqtt/connect.ts'
import { lostError } from '../../src/mqtt/connect-error.ts'
import { ConnectionLost, PublishRefused } from '../../src/mqtt/failure.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { waitFor, within } from '../helpers/wait.ts'
import { hex } from './codec/packet-bytes.ts'
import { connectionTo, opened, rejection, startScriptedServer, welcoming } from './scripted-server.ts'

describe('what is no MQTT ends the connection, and the server hears why', () => {
  test.each([
    ['a reserved type', '00 00', 0x81, '(2.1.2)'],
    ['a packet that only clients send', '82 05 0001 0001 74 00', 0x82, '(2.1.2)'],
    ['reserved flags', '41 02 0001', 0x81, '[MQTT-2.1.3-1]'],
    ['QoS 3', '36 06 0001 74 0001 00', 0x81, '[MQTT-3.3.1-4]'],
    ['a topic that is no UTF-8', '30 04 0001 ff 00', 0x81, '[MQTT-1.5.4-1]'],
    ['an endless Remaining Length', '30 ff ff ff ff', 0x81, '(2.1.4)'],
    ['an unknown property', '30 06 0001 74 02 7f 01', 0x81, '(2.2.2.2)'],
    ['a topic alias', '30 07 0001 74 03 23 0001', 0x94, '[MQTT-3.1.2-30]'],
    ['AUTH', 'f0 00', 0x82, '[MQTT-4.12.0-6]'],
    ['a second CONNACK', '20 03 0000 00', 0x82, '[MQTT-3.2.0-2]'],
    ['PUBACK for what was not sent', '40 02 0007', 0x82, 'PUBACK for packet 7'],
    ['PUBACK for a SUBSCRIBE', '40 02 0001', 0x82, 'PUBACK for packet 1'],
    ['SUBACK for what was not asked', '90 04 0007 00 00', 0x82, 'SUBACK for packet 7'],
    ['UNSUBACK for what was not asked', 'b0 04 0007 00 00', 0x82, 'UNSUBACK for packet 7'],
    ['SUBACK with too many codes', '90 05 0001 00 00 00', 0x82, '[MQTT-3.8.4-6]'],
    ['SUBACK with too few codes', '90 04 0002 00 00', 0x82, '[MQTT-3.8.4-6]'],
  ])('%s', async (_, bytes, reasonCode, clause) => {
    const { connection, peer } = await opened()
    const asked = [connection.subscribe(['a']), connection.subscribe(['b', 'c'])]
    await peer.wait('subscribe', 2)
    peer.write(bytes)
    const failure = await within(connection.lost, { what: 'the end of the connection' })
    expect(failure).toMatchObject({ kind: 'malformed', error: { reasonCode } })
    expect(lostError(failure, 'x')).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringContaining(clause),
    })
    for (const each of asked) expect(await rejection(each)).toBeInstanceOf(ConnectionLost)
    expect(await within(peer.ended, { what: 'the end at the server' })).toBe('FIN')
    expect(peer.packets.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode })
  })

  test('MQTT 3.1.1 has no word for it: the connection is closed', async () => {
    const { connection, peer } = await opened(welcoming(), 4)
    peer.write('40 02 0007')
    expect(await within(connection.lost, { what: 'the end of the connection' })).toMatchObject({ kind: 'malformed' })
    await within(peer.ended, { what: 'the end at the server' })
    expect(peer.all('disconnect')).toEqual([])
  })

  test('a server that then goes on sending, and never closes, is left after a second', async () => {
    const { connection, peer } = await opened()
    peer.socket.pause()
    peer.write('00 00')
    const waiting = connection.orLost(new Promise(() => {}))
    const flood = setInterval(() => peer.write(new Uint8Array(65_536)), 5)
    onTestFinished(() => clearInterval(flood))
    expect(await rejection(waiting)).toMatchObject({ failure: { kind: 'malformed' } })
  })
})

describe('before CONNACK', () => {
  test.each([
    ['a message', '30 04 0001 74 00', /\[MQTT-3\.2\.0-1\]/],
    ['PINGRESP', 'd0 00', /before CONNACK/],
    ['DISCONNECT', 'e0 00', /\[MQTT-3\.2\.0-1\]/],
    ['a session that was not asked for', '20 03 01 00 00', /\[MQTT-3\.2\.2-2\]/],
    ['a CONNACK with too much', '20 04 00 00 00 00', /\(2\.1\.4\)/],
    ['text', '48 65 6c 6c 6f 0a', /it sent "Hello"/],
  ])('%s is no MQTT broker, and the error says what came', async (_, bytes, text) => {
    const { url } = await startScriptedServer(5, (_packet, peer) => peer.write(bytes))
    const error = await rejection(connect(addressOf({ url, protocolVersion: 'auto' }), 5000))
    expect(error).toMatchObject({ code: 'ERR_PERSIST_CONNECT', message: expect.stringMatching(text) })
  })
})

test('PUBACK with an unknown reason is a refusal with its code, and the connection goes on', async () => {
  const { connection, peer } = await opened(welcoming())
  const refused = connection.publish('t', bytesOf('1'), false)
  await peer.wait('publish')
  // With a reason string: "no".
  peer.write('40 09 0001 f3 05 1f 0002 6e6f')
  const error = await rejection(refused)
  expect(error).toBeInstanceOf(PublishRefused)
  expect(error).toMatchObject({ reasonCode: 0xf3, reasonString: 'no' })
  const next = connection.publish('t', bytesOf('2'), false)
  await peer.wait('publish', 2)
  // No matching subscribers: no failure.
  peer.write('40 03 0002 10')
  await within(next, { what: 'the acknowledgement' })
})

test('packets are put together again from single bytes', async () => {
  const { connection, peer } = await opened()
  const told: string[] = []
  connection.onMessage = ({ topic, payload }) => told.push(`${topic} ${payload.length}`)
  const big = hex(`32 c8 01 0001 74 0001 00 ${'61'.repeat(194)}`)
  const bytes = Buffer.concat([hex('30 05 0001 74 00 61'), big, hex('d0 00'), hex('30 05 0001 75 00 62')])
  for (const byte of bytes) {
    peer.write(Uint8Array.of(byte))
    // Each on its own way, not joined by the kernel.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await waitFor(() => told.length === 3, { what: 'three messages' })
  expect(told).toEqual(['t 1', 't 194', 'u 1'])
  expect(await peer.wait('puback')).toMatchObject([{ messageId: 1 }])
})

test('a packet that announces 256 MB and ends is not waited for in memory, and is an end like any other', async () => {
  const { connection, peer } = await opened()
  const before = process.memoryUsage().arrayBuffers
  peer.write('30 ff ff ff 7f 0001 74 00 61')
  peer.write('61'.repeat(1000))
  peer.socket.end()
  expect(await within(connection.lost, { what: 'the end of the connection' })).toEqual({ kind: 'closed' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
})

test('what a handler of messages throws is no fault of the server: it is told, and the connection goes on', async () => {
  const { connection, peer } = await opened()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const thrown: unknown[] = []
  process.on('uncaughtException', (error) => thrown.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const each of others) process.on('uncaughtException', each)
  })
  const told: string[] = []
  const faults = [new Error('mine'), new MalformedPacket(0x81, 'mine too')]
  connection.onMessage = ({ topic }) => {
    told.push(topic)
    const fault = faults[told.length - 1]
    if (fault !== undefined) throw fault
  }
  peer.write('32 07 0001 61 0001 00 31 30 05 0001 62 00 31')
  peer.write('30 05 0001 63 00 31')
  await waitFor(() => told.length === 3, { what: 'three messages' })
  expect(told).toEqual(['a', 'b', 'c'])
  expect(await peer.wait('puback')).toMatchObject([{ messageId: 1 }])
  expect(thrown).toEqual(faults)
  const asked = connection.subscribe(['t'])
  await peer.wait('subscribe')
  peer.send({ cmd: 'suback', messageId: 1, granted: [1] })
  expect((await within(asked, { what: 'SUBACK' })).reasonCodes).toEqual([1])
})

test('a server that closes before CONNACK, or in the middle of it, is a connection that was closed', async () => {
  for (const bytes of ['', '20 03 00']) {
    const { url } = await startScriptedServer(5, (_packet, peer) => {
      if (bytes !== '') peer.write(bytes)
      peer.socket.end()
    })
    const connection = connectionTo(url)
    expect(await rejection(connection.opened)).toMatchObject({ failure: { kind: 'closed' } })
  }
})
