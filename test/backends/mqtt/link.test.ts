import { describe, expect, onTestFinished, test } from 'vitest'
import { NO_LISTENER } from '../../../src/backends/no-listener.ts'
import { startAedes } from '../../helpers/aedes.ts'
import { textOf } from '../../helpers/bytes.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { retainedAt } from '../../helpers/mqtt-client.ts'
import { waitFor, within } from '../../helpers/wait.ts'
import { errorOf, makeBackend, newTopic, openBackend } from './fixture.ts'

async function throughProxy() {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const proxy = await startDelayProxy({ target: broker.url })
  onTestFinished(() => proxy.close())
  return { broker, proxy }
}

describe('a link that goes', () => {
  test('a link that goes rejects the write in flight, is made again, and has what was written meanwhile', async () => {
    const { broker, proxy } = await throughProxy()
    const topic = newTopic()
    const store = await openBackend({ url: proxy.url, topic })
    await store.write('{"a":1}')
    proxy.freeze()
    const writing = errorOf(store.write('{"a":2}'))
    proxy.cut()
    expect(await writing).toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
    await store.wait('offline')
    const other = await openBackend({ url: broker.url, topic })
    await other.write('{"a":3}')
    proxy.thaw()
    expect(textOf((await store.wait('online')).online.bytes)).toBe('{"a":3}')
    expect(await store.write('{"a":4}')).toBe('written')
    expect((await retainedAt(broker.url, topic))?.payload.toString()).toBe('{"a":4}')
    expect(store.told).toHaveLength(2)
  })

  test('a write on a silent link ends with its limit, and the connection is made anew', async () => {
    const { proxy } = await throughProxy()
    const store = await openBackend({ url: proxy.url })
    await store.write('{"a":1}')
    proxy.freeze()
    expect(await errorOf(store.write('{"a":2}', 200))).toMatchObject({
      code: 'ERR_PERSIST_TIMEOUT',
      message: expect.stringContaining('PUBACK'),
    })
    await store.wait('offline')
    proxy.thaw()
    await store.wait('online')
    expect(await store.write('{"a":3}')).toBe('written')
  })

  test('a password that is wrong by now is told once, and tried again', async () => {
    let password = 'old'
    const broker = await startAedes({
      authenticate: (_client, _user, given, done) => done(null, given?.toString() === password),
    })
    onTestFinished(() => broker.stop())
    const store = await openBackend({ url: broker.url, username: 'ann', password: 'old' })
    password = 'new'
    await broker.restart()
    expect(await store.wait('trouble')).toMatchObject({ trouble: { code: 'ERR_PERSIST_DENIED' } })
  })
})

describe('close()', () => {
  test('close() says goodbye and leaves nothing open, may be called twice, and a write after it is rejected', async () => {
    const { broker, proxy } = await throughProxy()
    const { backend, write, told } = await openBackend({ url: proxy.url })
    await write('{"a":1}')
    await Promise.all([backend.close(), backend.close()])
    await waitFor(() => broker.log().includes('disconnected'), { what: 'the broker to notice' })
    await waitFor(() => proxy.open() === 0, { what: 'the connection to be gone' })
    expect(await errorOf(write('{"a":2}'))).toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
    expect(told).toEqual([])
  })

  test('close() takes no longer than a second or so with a broker that is silent, and rejects the write in flight', async () => {
    const { proxy } = await throughProxy()
    const { backend, write } = await openBackend({ url: proxy.url })
    await write('{"a":1}')
    proxy.freeze()
    const writing = errorOf(write('{"a":2}'))
    await within(backend.close(), { what: 'close()', limitMs: 4000 })
    expect(await writing).toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
  })

  test('close() ends a backend that tries to connect again', async () => {
    const { broker, proxy } = await throughProxy()
    const { backend, wait } = await openBackend({ url: proxy.url })
    await broker.kill()
    await wait('offline')
    const before = proxy.connections()
    await waitFor(() => proxy.connections() > before, { what: 'an attempt to connect' })
    await within(backend.close(), { what: 'close()' })
    await waitFor(() => proxy.open() === 0, { what: 'the last attempt to end' })
  })

  test('close() may be called before the backend was opened', async () => {
    const backend = makeBackend({ url: 'mqtt://127.0.0.1:9' })
    await backend.close()
    expect(await errorOf(backend.open(NO_LISTENER, 1000))).toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
  })
})
