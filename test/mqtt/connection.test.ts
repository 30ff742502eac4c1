import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { addressOf } from '../../src/mqtt/address.ts'
import { connect } from '../../src/mqtt/connect.ts'
import { ConnectionLost } from '../../src/mqtt/failure.ts'
import { bytesOf, textOf } from '../helpers/bytes.ts'
import { waitFor, within } from '../helpers/wait.ts'
import {
  type Behaviour,
  connectionTo,
  opened,
  type Peer,
  rejection,
  startScriptedServer,
  welcoming,
} from './scripted-server.ts'

const commands = (peer: Peer) => peer.packets.map(({ cmd }) => cmd)

const answeringPings: Behaviour = (packet, peer) => {
  if (packet.cmd === 'pingreq') peer.send({ cmd: 'pingresp' })
}

const acknowledging: Behaviour = ({ cmd, qos, messageId }, peer) => {
  if (cmd === 'publish' && qos === 1) peer.send({ cmd: 'puback', messageId })
}

const message = (topic: string) => ({ cmd: 'publish', topic, payload: 'x', qos: 0, dup: false, retain: false })

describe('a server that reads slowly', { timeout: 30_000 }, () => {
  /** Together 20 MB. */
  const COUNT = 5000
  const payload = new Uint8Array(4096)

  async function slow() {
    const { connection, peer } = await opened(welcoming({}, acknowledging))
    peer.socket.pause()
    const before = process.memoryUsage().arrayBuffers
    const all = Array.from({ length: COUNT }, (_, index) => connection.publish(`t/${index}`, payload, false))
    return { connection, peer, all, grown: () => process.memoryUsage().arrayBuffers - before }
  }

  test('gets what it takes, the rest waits without being encoded, and goes on in order', async () => {
    const { connection, peer, all, grown } = await slow()
    const more = connection.publish('last', payload, false)
    // All that can be written now has been, when what was asked for later is done.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(grown()).toBeLessThan(10_000_000)
    peer.socket.resume()
    await within(Promise.all([...all, more]), { what: 'all acknowledgements', limitMs: 20_000 })
    expect(peer.all('publish').map(({ topic }) => topic)).toEqual([...all.map((_, index) => `t/${index}`), 'last'])
  })

  test('and then goes away: whatever waits is rejected', async () => {
    const { all, peer } = await slow()
    peer.socket.resetAndDestroy()
    const results = await within(Promise.allSettled(all), { what: 'the end of all' })
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(COUNT / 2)
    const last = results.at(-1) as PromiseRejectedResult
    expect(last.reason).toBeInstanceOf(ConnectionLost)
  })
})

test('a server that does not answer to PINGREQ is gone after twice the keep alive', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { connection, peer } = await opened(welcoming({ serverKeepAlive: 10 }))
  const asked = connection.subscribe(['t'])
  vi.advanceTimersByTime(19_000)
  expect((await peer.wait('pingreq')).length).toBeGreaterThan(0)
  vi.advanceTimersByTime(1000)
  expect(await within(connection.lost, { what: 'the end' })).toEqual({ kind: 'silent' })
  expect(await rejection(asked)).toMatchObject({ failure: { kind: 'silent' } })
})

describe('a PINGREQ that wakes a server which keeps back its small packets', () => {
  /** Some turns of both ends, in which whatever is to be sent is. */
  async function turns(connection: Awaited<ReturnType<typeof opened>>['connection'], peer: Peer): Promise<void> {
    const before = peer.all('publish').length
    for (let turn = 1; turn <= 20; turn++) {
      connection.publishAtMostOnce('turn', new Uint8Array())
      await peer.wait('publish', before + turn)
    }
  }

  test('goes out when something came and something is waited for, and the answer to it is not answered', async () => {
    const { connection, peer } = await opened(welcoming({}, answeringPings))
    // CONNACK would be such a thing, too.
    await turns(connection, peer)
    void connection.orLost(new Promise(() => {}))
    peer.send(message('t'))
    await peer.wait('pingreq')
    await turns(connection, peer)
    expect(peer.all('pingreq')).toHaveLength(1)
  })

  test('does not where nobody waits, or something is sent anyway', async () => {
    const { connection, peer } = await opened(welcoming({}, answeringPings))
    peer.send(message('t'))
    await turns(connection, peer)
    void connection.orLost(new Promise(() => {}))
    peer.send({ ...message('t'), qos: 1, messageId: 1 })
    await peer.wait('puback')
    await turns(connection, peer)
    expect(peer.all('pingreq')).toHaveLength(0)
  })
})

describe('the end', () => {
  test('is DISCONNECT behind all that was sent before, then FIN, and nothing more', async () => {
    const { connection, peer } = await opened(welcoming({ receiveMaximum: 1 }))
    const sent = connection.publish('t', bytesOf('1'), false)
    const held = connection.publish('t', bytesOf('2'), false)
    const ending = connection.end()
    const late = connection.publish('t', bytesOf('3'), false)
    const asked = connection.subscribe(['t'])
    connection.publishAtMostOnce('t', bytesOf('4'))
    connection.unsubscribe('t')
    const again = connection.end()
    for (const each of [sent, held, late, asked]) {
      expect(await rejection(each)).toMatchObject({ failure: { kind: 'ended' } })
    }
    await within(Promise.all([ending, again]), { what: 'the end' })
    expect(await peer.ended).toBe('FIN')
    expect(commands(peer)).toEqual(['connect', 'publish', 'disconnect'])
    expect(await connection.lost).toEqual({ kind: 'ended' })
    await connection.end()
    connection.destroy()
    expect(await rejection(connection.publish('t', bytesOf('5'), false))).toBeInstanceOf(ConnectionLost)
  })

  test('also acknowledges what had come, from within whatever was told', async () => {
    const { connection, peer } = await opened()
    const told: string[] = []
    connection.onMessage = ({ topic }) => {
      told.push(topic)
      void connection.end()
    }
    const first = { ...message('first'), qos: 1, messageId: 7 }
    peer.send(first, { ...message('second'), qos: 1, messageId: 8 })
    await within(connection.lost, { what: 'the end' })
    await peer.ended
    expect(commands(peer)).toEqual(['connect', 'puback', 'disconnect'])
    expect(told).toEqual(['first'])
  })

  test('comes at once by destroy(), from within whatever was told', async () => {
    const { connection, peer } = await opened()
    const told: string[] = []
    const waiting = connection.orLost(new Promise(() => {}))
    connection.onMessage = ({ topic }) => {
      told.push(topic)
      connection.destroy()
    }
    // What follows is no MQTT: nobody looks at it any more.
    peer.write('30 05 0001 61 00 31 30 05 0001 62 00 31 00 00')
    expect(await within(connection.lost, { what: 'the end' })).toEqual({ kind: 'ended' })
    expect(await rejection(waiting)).toBeInstanceOf(ConnectionLost)
    expect(told).toEqual(['a'])
    await peer.ended
    expect(peer.all('disconnect')).toEqual([])
  })

  test('before there is a connection makes none, or leaves none', async () => {
    const { url, peers } = await startScriptedServer(5, () => {})
    const early = connectionTo(url)
    early.destroy()
    expect(await early.lost).toEqual({ kind: 'ended' })
    const ended = connectionTo(url)
    await ended.end()
    expect(await rejection(ended.opened)).toMatchObject({ failure: { kind: 'ended' } })
    const waiting = connectionTo(url)
    await waitFor(() => peers.some(({ packets }) => packets.length > 0), { what: 'a CONNECT' })
    await within(waiting.end(), { what: 'the end' })
    for (const { ended: end } of peers) await within(end, { what: 'the end at the server' })
    expect(peers.flatMap(commands)).toEqual(['connect'])
  })

  test('is no failure where the server resets the connection at DISCONNECT', async () => {
    const { connection } = await opened(
      welcoming({}, ({ cmd }, peer) => {
        if (cmd === 'disconnect') peer.socket.resetAndDestroy()
      }),
    )
    await within(connection.end(), { what: 'the end' })
    expect(await connection.lost).toEqual({ kind: 'ended' })
  })

  test('does not wait for a server that never closes', async () => {
    const { connection, peer } = await opened()
    peer.socket.pause()
    await within(connection.end(), { what: 'the end', limitMs: 3000 })
  })

  test('rejects what is waited for afterwards, and leaves no rejection that nobody handles', async () => {
    const { connection } = await opened(welcoming())
    connection.destroy()
    // Where it is not handled, Node ends a program, and this run.
    const failing = Promise.reject(new Error('too late'))
    expect(await rejection(connection.orLost(failing))).toBeInstanceOf(ConnectionLost)
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('leaves no timer', async () => {
    const { url } = await startScriptedServer(5, welcoming())
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    for (const leave of ['end', 'destroy'] as const) {
      const connection = connectionTo(url)
      await connection.opened
      expect(vi.getTimerCount()).toBe(1)
      await connection[leave]()
      await connection.lost
      expect(vi.getTimerCount()).toBe(0)
    }
  })
})

test('a handler may publish, subscribe and unsubscribe', async () => {
  const { connection, peer } = await opened(welcoming({}, acknowledging))
  const published = new Promise<void>((resolve, reject) => {
    connection.onMessage = () => {
      connection.publish('answer', bytesOf('1'), false).then(resolve, reject)
      connection.unsubscribe('t')
    }
  })
  peer.send({ ...message('t'), qos: 1, messageId: 5 })
  await within(published, { what: 'PUBACK' })
  expect(commands(peer)).toEqual(['connect', 'puback', 'publish', 'unsubscribe'])
})

test('what is sent before CONNACK goes out with CONNECT', async () => {
  const { url, peer } = await startScriptedServer(
    5,
    welcoming({}, (packet, server) => {
      if (packet.cmd === 'subscribe') server.send({ cmd: 'suback', messageId: packet.messageId, granted: [1] })
      acknowledging(packet, server)
    }),
  )
  const connection = connectionTo(url)
  const both = Promise.all([connection.subscribe(['t']), connection.publish('t', bytesOf('1'), false)])
  const server = await peer()
  await within(both, { what: 'both answers' })
  expect(commands(server)).toEqual(['connect', 'subscribe', 'publish'])
  expect(server.chunks).toBe(1)
})

describe('what MQTT cannot carry', () => {
  const LONG = 'x'.repeat(70_000)

  test('is rejected, and the connection goes on', async () => {
    const { connection, peer } = await opened(welcoming({}, acknowledging))
    for (const topic of [LONG, 'half \ud800', 'nothing \0', '']) {
      expect(await rejection(connection.publish(topic, bytesOf('1'), false))).toBeInstanceOf(RangeError)
      expect(await rejection(connection.subscribe([topic]))).toBeInstanceOf(RangeError)
      expect(() => connection.unsubscribe(topic)).toThrow(RangeError)
      expect(() => connection.publishAtMostOnce(topic, bytesOf('1'))).toThrow(RangeError)
    }
    expect(await rejection(connection.subscribe([]))).toBeInstanceOf(RangeError)
    await within(connection.publish('t', bytesOf('2'), false), { what: 'PUBACK' })
    expect(peer.all('publish').map(({ payload }) => textOf(payload))).toEqual(['2'])
    expect(commands(peer)).toEqual(['connect', 'publish'])
  })

  test('in CONNECT is an error that says what, and nothing of certificates', async () => {
    const { url, peers } = await startScriptedServer(5, welcoming())
    for (const [login, what] of [
      [{ username: LONG }, 'the user name has more than 65,535 bytes'],
      [{ username: 'ann', password: LONG }, 'the password has more than 65,535 bytes'],
      [{ username: 'a\ud800' }, 'the user name has half a surrogate pair'],
    ] as const) {
      const error = await rejection(connect(addressOf({ url, protocolVersion: 'auto', ...login }), 5000))
      expect(error).toMatchObject({ code: 'ERR_PERSIST_OPTION', message: expect.stringContaining(what) })
      expect((error as Error).message).not.toContain('PEM')
    }
    const will = { topic: LONG, payload: new Uint8Array(), qos: 0, retain: false } as const
    const failure = { kind: 'settings', error: expect.any(RangeError) }
    expect(await rejection(connectionTo(url, { will }).opened)).toMatchObject({ failure })
    expect(peers).toEqual([])
  })
})
