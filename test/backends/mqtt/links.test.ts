import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../../built/run-program.ts'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { type DelayProxy, startDelayProxy } from '../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { startNats } from '../../helpers/nats.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor, within } from '../../helpers/wait.ts'
import {
  errorOf,
  Listener,
  makeBackend,
  nothingLeftOpen,
  openBackend,
  poolAt,
  retain,
  startOddServer,
  stopped,
  TOPIC,
  textOf,
} from './fixture.ts'

async function proxyTo(target: string): Promise<DelayProxy> {
  const proxy = await startDelayProxy({ target })
  onTestFinished(() => proxy.close())
  return proxy
}

const until = (listener: Listener, call: string, times = 1) =>
  waitFor(() => listener.calls.filter((name) => name === call).length >= times, { what: call, limitMs: 10_000 })

describe.skipIf(!mosquittoAvailable)('Mosquitto is killed', () => {
  test('without persistence: the link comes back, and nothing is held', async () => {
    const broker = await stopped(startMosquitto())
    const { write, listener } = await openBackend({ url: broker.url })
    await write('{"a":1}')
    await broker.kill('SIGKILL')
    await until(listener, 'offline')
    expect(listener.offlines[0]).toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
    expect(listener.offlines[0]?.message).toContain(broker.url)
    expect((await errorOf(write('{"a":2}'))).code).toBe('ERR_PERSIST_CONNECT')
    await broker.restart()
    await until(listener, 'online')
    expect(listener.onlines[0]).toMatchObject({ bytes: null, proof: 'fence', protocolVersion: 5 })
    expect(await write('{"a":2}')).toBe('written')
    expect(await poolAt(broker.url)).toBe('{"a":2}')
    expect(listener.calls).toEqual(['offline', 'online'])
  })

  test('with persistence: what it kept is told', async () => {
    const config = ['autosave_on_changes true', 'autosave_interval 1']
    const broker = await stopped(startMosquitto({ persistence: true, config }))
    const { write, listener } = await openBackend({ url: broker.url, protocolVersion: 4 })
    await write('{"a":1}')
    await waitFor(() => existsSync(join(broker.directory, 'mosquitto.db')), { what: 'its file' })
    await broker.kill('SIGKILL')
    await until(listener, 'offline')
    await broker.restart()
    await until(listener, 'online')
    expect(textOf(listener.onlines[0]?.bytes)).toBe('{"a":1}')
    expect(await write('{"a":2}')).toBe('written')
  })
})

describe.skipIf(!natsAvailable)('NATS is killed', () => {
  test('the pool is there again', async () => {
    const broker = await stopped(startNats())
    const { write, listener } = await openBackend({ url: broker.url })
    await write('{"a":1}')
    await broker.kill('SIGKILL')
    await until(listener, 'offline')
    await broker.restart()
    await until(listener, 'online')
    expect(textOf(listener.onlines[0]?.bytes)).toBe('{"a":1}')
    expect(await write('{"a":2}')).toBe('written')
  })
})

describe('the link', () => {
  test('breaks while nothing happens, several times: what others wrote meanwhile is told', async () => {
    const broker = await stopped(startAedes())
    const proxy = await proxyTo(broker.url)
    const { write, listener } = await openBackend({ url: proxy.url })
    await write('{"by":0}')
    for (let time = 1; time <= 3; time++) {
      proxy.cut()
      await until(listener, 'offline', time)
      await retain(broker.url, `{"by":${time}}`)
      await until(listener, 'online', time)
      // The attempt may have been made before the other's write: then that is told as a change.
      const last = () => listener.changes.at(-1) ?? textOf(listener.onlines.at(-1)?.bytes)
      await waitFor(() => last() === `{"by":${time}}` || textOf(listener.onlines.at(-1)?.bytes) === `{"by":${time}}`, {
        what: 'what the other wrote',
      })
    }
    expect(await write('{"by":9}')).toBe('written')
    expect(await poolAt(broker.url)).toBe('{"by":9}')
  })

  test('freezes: a write ends in time, and the next connection is a new one', async () => {
    const broker = await stopped(startAedes())
    const proxy = await proxyTo(broker.url)
    const { write, listener } = await openBackend({ url: proxy.url })
    await write('{"a":1}')
    proxy.freeze()
    const error = await errorOf(write('{"a":2}', 300), 300)
    expect(error.code).toBe('ERR_PERSIST_TIMEOUT')
    expect(error.message).toMatch(/within 300 ms/)
    await until(listener, 'offline')
    proxy.thaw()
    await until(listener, 'online')
    expect(proxy.connections()).toBeGreaterThanOrEqual(2)
    expect(await write('{"a":3}')).toBe('written')
    expect(await poolAt(broker.url)).toBe('{"a":3}')
  })

  test('breaks during a write, which is rejected', async () => {
    const broker = await stopped(startAedes())
    const proxy = await proxyTo(broker.url)
    const { write, listener } = await openBackend({ url: proxy.url })
    await write('{"a":1}')
    proxy.freeze()
    const writing = errorOf(write('{"a":2}'))
    proxy.cut()
    expect((await writing).code).toBe('ERR_PERSIST_CONNECT')
    proxy.thaw()
    await until(listener, 'online')
    expect(await write('{"a":3}')).toBe('written')
    expect(await poolAt(broker.url)).toBe('{"a":3}')
  })

  test('asks seldom where a connection never lasts', async () => {
    const broker = await stopped(startAedes())
    const proxy = await proxyTo(broker.url)
    const { listener } = await openBackend({ url: proxy.url })
    for (let time = 1; time <= 3; time++) {
      proxy.cut()
      await until(listener, 'online', time)
    }
    expect(listener.calls.join()).toBe('offline,online,offline,online,offline,online')
    expect(proxy.connections()).toBeLessThanOrEqual(5)
  })

  test('comes back with a password that is wrong by now: told once', async () => {
    let allowed = true
    const broker = await stopped(startAedes({ authenticate: (_client, _user, _password, done) => done(null, allowed) }))
    const { listener, write } = await openBackend({ url: broker.url })
    allowed = false
    await broker.restart()
    await until(listener, 'trouble')
    expect(listener.troubles[0]?.code).toBe('ERR_PERSIST_DENIED')
    expect((await errorOf(write('{}'))).code).toBe('ERR_PERSIST_DENIED')
    allowed = true
    await until(listener, 'online')
    expect(listener.troubles).toHaveLength(1)
  })
})

describe('close()', () => {
  test('during open() to a server that never answers', async () => {
    const server = await startOddServer(() => {})
    for (const scheme of ['mqtt', 'mqtts', 'ws']) {
      const backend = makeBackend({ url: server.url.replace('mqtt', scheme) })
      const opening = errorOf(backend.open(new Listener(), 30_000))
      const seen = server.connections()
      await waitFor(() => server.connections() > seen || server.open() > 0, { what: 'the connection' })
      await within(backend.close(), { what: 'close()', limitMs: 2000 })
      expect((await opening).code).toBe('ERR_PERSIST_CLOSED')
      await waitFor(() => server.open() === 0, { what: 'the connection to end' })
    }
    await nothingLeftOpen()
  })

  test('during open(), before anything is connected', async () => {
    const broker = await stopped(startAedes())
    const backend = makeBackend({ url: broker.url })
    const opening = errorOf(backend.open(new Listener(), 5000))
    await within(backend.close(), { what: 'close()', limitMs: 2000 })
    expect((await opening).code).toBe('ERR_PERSIST_CLOSED')
    await waitFor(() => broker.aedes().connectedClients === 0, { what: 'the connection to end' })
  })

  test('while it tries to connect again, and in a pause between', async () => {
    const broker = await startAedes()
    onTestFinished(() => broker.stop())
    const proxy = await proxyTo(broker.url)
    const { backend, listener } = await openBackend({ url: proxy.url })
    const other = await openBackend({ url: broker.url })
    proxy.freeze()
    proxy.cut()
    await until(listener, 'offline')
    await waitFor(() => proxy.connections() === 2, { what: 'an attempt' })
    await within(backend.close(), { what: 'close()', limitMs: 2000 })
    await broker.stop()
    await until(other.listener, 'offline')
    await within(other.backend.close(), { what: 'close()', limitMs: 2000 })
    await proxy.close()
    await nothingLeftOpen()
    expect(listener.calls).toEqual(['offline'])
    expect(other.listener.calls).toEqual(['offline'])
  })

  test('during a write on a frozen link', async () => {
    const broker = await stopped(startAedes())
    const proxy = await proxyTo(broker.url)
    const { backend, write, listener } = await openBackend({ url: proxy.url })
    await write('{"a":1}')
    proxy.freeze()
    const writing = errorOf(write('{"a":2}', 20_000))
    await within(backend.close(), { what: 'close()', limitMs: 3000 })
    expect((await writing).code).toBe('ERR_PERSIST_CLOSED')
    expect(listener.calls).toEqual([])
    expect((await errorOf(write('{"a":3}'))).code).toBe('ERR_PERSIST_CLOSED')
    await backend.close()
  })
})

describe('a program that has nothing more to do ends by itself', () => {
  async function program(): Promise<string> {
    const outfile = join(temporaryDirectory(), 'idle.cjs')
    const entryPoints = [new URL('idle-program.ts', import.meta.url).pathname]
    await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' })
    return outfile
  }

  test('with an open connection, over TCP and WebSocket', async () => {
    const broker = await stopped(startAedes())
    const file = await program()
    for (const url of [broker.url, broker.webSocketUrl]) {
      const { ended, stdout } = runProgram(file, [url, TOPIC, '{"a":1}'], temporaryDirectory())
      expect(await within(ended(), { what: 'the end', limitMs: 10_000 })).toBe(0)
      expect(stdout()).toMatch(/^open (empty|7)\nend \n$/)
    }
    expect(await poolAt(broker.url)).toBe('{"a":1}')
  })

  test('after it could not be opened', async () => {
    const broker = await startAedes()
    await broker.stop()
    const { ended, stdout } = runProgram(await program(), [broker.url, TOPIC], temporaryDirectory())
    expect(await within(ended(), { what: 'the end', limitMs: 10_000 })).toBe(0)
    expect(stdout()).toMatch(/^PersistError: No connection/)
  })
})
