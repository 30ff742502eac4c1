import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PublishRefused } from '../../src/mqtt/failure.ts'
import { bytesOf, textOf } from '../helpers/bytes.ts'
import { waitFor, within } from '../helpers/wait.ts'
import { opened, type Peer, rejection, welcoming } from './scripted-server.ts'

const payloads = (peer: Peer) => peer.all('publish').map(({ payload }) => textOf(payload))

/** Only these, so that sockets go on. */
const TIMERS = ['setInterval', 'clearInterval'] as const

describe('what a broker says of itself in CONNACK is honoured', () => {
  test('Maximum Packet Size: a larger message is refused here, and nothing of it is sent', async () => {
    const { connection, peer } = await opened(welcoming({ maximumPacketSize: 40 }))
    // 2 for the fixed header, 2 + 1 for the topic, 2 for the packet identifier, 1 for the properties.
    const fits = connection.publish('t', new Uint8Array(32).fill(97), false)
    const refused = await rejection(connection.publish('t', new Uint8Array(33), false))
    expect(refused).toMatchObject({ reasonCode: 0x95 })
    expect(refused).toBeInstanceOf(PublishRefused)
    // Long ones go another way.
    expect(await rejection(connection.publish('t', new Uint8Array(50_000), false))).toMatchObject({ reasonCode: 0x95 })
    expect(() => connection.publishAtMostOnce('t', new Uint8Array(40))).toThrow(PublishRefused)
    const next = connection.publish('t', bytesOf('next'), false)
    await peer.wait('publish', 2)
    expect(payloads(peer)).toEqual(['a'.repeat(32), 'next'])
    for (const { messageId } of peer.all('publish')) peer.send({ cmd: 'puback', messageId })
    await within(Promise.all([fits, next]), { what: 'two acknowledgements' })
  })

  test('Receive Maximum: no more are unacknowledged, the others follow in their order', async () => {
    const { connection, peer } = await opened(welcoming({ receiveMaximum: 2 }))
    const done: string[] = []
    const all = ['1', '2', '3', '4', '5'].map((text) =>
      connection.publish('t', bytesOf(text), false).then(() => done.push(text)),
    )
    // What is sent behind them is here: so they were held, and are not on their way.
    connection.publishAtMostOnce('t', bytesOf('0'))
    await peer.wait('publish', 3)
    expect(payloads(peer)).toEqual(['1', '2', '0'])
    const acknowledge = (index: number) => {
      const { messageId } = peer.all('publish').filter(({ qos }) => qos === 1)[index] ?? {}
      peer.send({ cmd: 'puback', messageId })
    }
    acknowledge(1)
    await peer.wait('publish', 4)
    expect(payloads(peer).slice(3)).toEqual(['3'])
    acknowledge(0)
    acknowledge(2)
    await peer.wait('publish', 6)
    expect(payloads(peer).slice(3)).toEqual(['3', '4', '5'])
    acknowledge(3)
    acknowledge(4)
    await within(Promise.all(all), { what: 'all acknowledgements' })
    expect(done).toEqual(['2', '1', '3', '4', '5'])
  })

  test('one that is refused while it is held leaves its place to the next', async () => {
    const { connection, peer } = await opened(welcoming({ receiveMaximum: 1, maximumPacketSize: 40 }))
    const first = connection.publish('t', bytesOf('1'), false)
    const tooLarge = connection.publish('t', new Uint8Array(100), false)
    const unspeakable = connection.publish('t/#', bytesOf('2'), false)
    const last = connection.publish('t', bytesOf('3'), false)
    const [{ messageId } = {}] = await peer.wait('publish')
    peer.send({ cmd: 'puback', messageId })
    await first
    expect(await rejection(tooLarge)).toMatchObject({ reasonCode: 0x95 })
    expect(await rejection(unspeakable)).toBeInstanceOf(RangeError)
    await peer.wait('publish', 2)
    expect(payloads(peer)).toEqual(['1', '3'])
    peer.send({ cmd: 'puback', messageId: peer.all('publish')[1]?.messageId })
    await last
  })

  test.each([
    [1, 1],
    [10, 10],
    // Less often than this side wants it itself.
    [600, 30],
    [0, 30],
    [undefined, 30],
  ])('Server Keep Alive %s: something is sent every %i seconds', async (serverKeepAlive, seconds) => {
    vi.useFakeTimers({ toFake: [...TIMERS] })
    onTestFinished(() => void vi.useRealTimers())
    const { connection, peer } = await opened(
      welcoming(serverKeepAlive === undefined ? {} : { serverKeepAlive }, (packet, server) => {
        if (packet.cmd === 'pingreq')
          server.send({ cmd: 'pingresp' }, { cmd: 'publish', topic: 't', payload: '', qos: 0 })
      }),
    )
    let heard = 0
    connection.onMessage = () => {
      heard += 1
    }
    for (const count of [1, 2, 3]) {
      vi.advanceTimersByTime(seconds * 1000)
      await peer.wait('pingreq', count)
      // The clock goes on when the answer is here: without one, the connection would be given up.
      await waitFor(() => heard === count, { what: 'the answer to PINGREQ' })
    }
  })

  test('Retain Available: nothing is sent that is to be retained', async () => {
    const { connection, peer } = await opened(welcoming({ retainAvailable: false }))
    expect(connection.limits.retainAvailable).toBe(false)
    expect(await rejection(connection.publish('t', bytesOf('1'), true))).toMatchObject({ reasonCode: 0x9a })
    connection.publishAtMostOnce('t', bytesOf('2'))
    await peer.wait('publish')
    expect(payloads(peer)).toEqual(['2'])
  })

  test('Maximum QoS 0: messages go out so, and nobody waits for an acknowledgement', async () => {
    const { connection, peer } = await opened(welcoming({ maximumQoS: 0 }))
    await within(connection.publish('t', bytesOf('1'), true), { what: 'a message at QoS 0' })
    const [sent] = await peer.wait('publish')
    expect(sent).toMatchObject({ qos: 0, retain: true })
  })

  test('all the rest is there for who asks', async () => {
    const properties = { assignedClientIdentifier: 'yours', wildcardSubscriptionAvailable: false }
    const { connection } = await opened(welcoming(properties))
    expect(connection.limits).toEqual({
      maximumPacketSize: Number.POSITIVE_INFINITY,
      receiveMaximum: 65_535,
      maximumQoS: 1,
      retainAvailable: true,
      wildcardSubscriptionAvailable: false,
      assignedClientIdentifier: 'yours',
    })
  })
})
