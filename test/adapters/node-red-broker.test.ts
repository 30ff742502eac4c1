import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type NodeRedContextStore, type NodeRedOptions, nodeRedContextStore } from '../../src/adapters/node-red.ts'
import { type JsonObject, openEditor } from '../../src/index.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { freePort } from '../helpers/free-port.ts'
import { type Mosquitto, startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import { waitFor, within } from '../helpers/wait.ts'

const TOPIC = 'stat/node-red/PersistMQTT'

async function broker(pool?: JsonObject): Promise<Mosquitto> {
  const started = await startMosquitto({ persistence: true })
  onTestFinished(() => started.stop())
  if (pool === undefined) return started
  const client = await connectClient(started.url)
  await client.publishAsync(TOPIC, JSON.stringify(pool), { qos: 1, retain: true })
  return started
}

async function poolAt(url: string): Promise<JsonObject> {
  return JSON.parse((await poolTextAt(url, TOPIC)) ?? '{}')
}

function make(options: NodeRedOptions): NodeRedContextStore {
  const store = nodeRedContextStore(options)
  onTestFinished(() => store.close())
  return store
}

async function opened(options: NodeRedOptions): Promise<NodeRedContextStore> {
  const store = make(options)
  await store.open()
  return store
}

/** Resolves when this process gives a warning that says this. */
async function warning(text: RegExp, limitMs = 5000): Promise<void> {
  const said: string[] = []
  const note = (error: Error) => void said.push(String(error))
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  await waitFor(() => said.some((one) => text.test(one)), { what: `the warning ${text}`, limitMs })
}

describe.skipIf(!mosquittoAvailable)('a context store on Mosquitto', () => {
  test('a context store saves by itself, and at the end', async () => {
    const { url } = await broker()
    const store = await opened({ url })
    store.set('global', 'count', 1)
    await waitFor(async () => 'global' in (await poolAt(url)), { what: 'the autosave' })
    store.set('f1', 'last', [1])
    await store.close()
    expect(await poolAt(url)).toEqual({ global: { count: 1 }, f1: { last: [1] } })
  })

  test('a context store that is told to stop while the broker is away takes 5 seconds, and warns of what is lost', async () => {
    const away = await broker()
    const store = await opened({ url: away.url })
    store.set('global', 'count', 1)
    await waitFor(async () => 'global' in (await poolAt(away.url)), { what: 'the autosave' })
    await away.kill()
    store.set('global', 'count', 2)
    const closing = within(store.close(), { what: 'the end of close()', limitMs: 8000 })
    await warning(/did not answer within 5000 ms: what flows have set last is lost/, 8000)
    await closing
  })

  test('a context store takes what editors ask for, beside what flows set', async () => {
    const { url } = await broker({ global: { count: 1, limits: { low: 1, high: 2 } } })
    const store = await opened({ url })
    store.set('global', 'count', 5)
    await using editor = await openEditor({ url, name: 'node-red' })
    expect(await editor.patch({ global: { limits: { low: 7 } } })).toEqual({ way: 'owner' })
    expect(store.get('global', ['count', 'limits'])).toEqual([5, { low: 7, high: 2 }])
    expect(await poolAt(url)).toEqual({ global: { count: 5, limits: { low: 7, high: 2 } } })
  })

  test('a context store that a second Node-RED takes over can be read from then on', async () => {
    const { url } = await broker()
    const store = await opened({ url })
    store.set('global', 'list', [1])
    store.set('f1', 'x', 1)
    await waitFor(async () => 'f1' in (await poolAt(url)), { what: 'the autosave' })
    const told = warning(/was taken over/)
    const second = await opened({ url })
    await told
    expect(() => store.set('global', 'count', 2)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_TAKEN_OVER' }))
    expect(store.get('global', 'list')).toEqual([1])
    // Node-RED cleans at each deployment.
    await store.clean([])
    await store.close()
    second.set('global', 'count', 3)
    await second.close()
    expect(await poolAt(url)).toEqual({ global: { list: [1], count: 3 }, f1: { x: 1 } })
  })

  test('a context store waits for a broker that is started later', async () => {
    const { url, kill, restart } = await broker({ global: { count: 1 } })
    await kill('SIGTERM')
    const store = make({ url })
    const open = store.open()
    await restart()
    await open
    expect(store.get('global', 'count')).toBe(1)
  })

  test.each(['fail', 'memory'] as const)(
    "gives up at once where the broker refuses, with offline: '%s'",
    async (offline) => {
      const started = await startMosquitto({ users: { ann: 'secret' } })
      onTestFinished(() => started.stop())
      const open = make({ url: started.url, offline, startTimeoutMs: 60_000 }).open()
      await expect(open).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    },
  )
})

test('without a broker the start fails when its time is over', async () => {
  const store = make({ url: `mqtt://127.0.0.1:${await freePort()}`, startTimeoutMs: 300 })
  await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PERSIST_CONNECT' })
})

test('a broker that never answers does not hold up the start for longer', async () => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const store = make({ url: `mqtt://127.0.0.1:${port}`, startTimeoutMs: 300, openTimeoutMs: 15_000 })
  const open = within(store.open(), { what: 'the end of the start' })
  await expect(open).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
})

test('contexts in memory that never reach a broker are lost, and that is said', async () => {
  const store = await opened({ url: `mqtt://127.0.0.1:${await freePort()}`, startTimeoutMs: 50, offline: 'memory' })
  store.set('global', 'count', 1)
  expect(store.get('global', 'count')).toBe(1)
  const told = warning(/is lost/)
  await store.close()
  await told
})

describe.skipIf(!mosquittoAvailable)("contexts in memory, with offline: 'memory'", () => {
  /** Starts while there is no broker, lets flows do something, and returns the pool after the broker has come. */
  async function merged(pool: JsonObject, work: (store: NodeRedContextStore) => unknown): Promise<JsonObject> {
    const { url, kill, restart } = await broker(pool)
    await kill('SIGTERM')
    const store = await opened({ url, startTimeoutMs: 50, offline: 'memory' })
    await work(store)
    store.set('done', 'at', 1)
    await restart()
    const merges = async () => 'done' in (await poolAt(url))
    await waitFor(merges, { what: 'the merge', limitMs: 15_000 })
    const { done: _, ...kept } = await poolAt(url)
    // What flows see is what is kept.
    for (const [scope, context] of Object.entries(kept)) {
      const names = Object.keys(context as object)
      expect(store.get(scope, names)).toEqual(Object.values(context as object))
    }
    return kept
  }

  test('what was set in memory wins when the broker comes, and everything else comes from the pool', async () => {
    const pool = { global: { count: 100, limit: 7, map: { a: 1, b: 1 } }, f1: { state: 'old' }, f2: { x: 1 } }
    const kept = await merged(pool, (store) => {
      expect(store.get('global', 'count')).toBeUndefined()
      store.set('global', 'count', 1)
      store.set('global', 'map.a', 2)
      store.set('f1', 'state', { new: true })
    })
    const global = { count: 1, limit: 7, map: { a: 2, b: 1 } }
    expect(kept).toEqual({ global, f1: { state: { new: true } }, f2: { x: 1 } })
  })

  test('a map that was set as a whole in memory is what was set, also where a part was set before or after', async () => {
    const pool = { f1: { a: { old: 1 }, b: { old: 1 }, list: [1, 2, 3] } }
    const kept = await merged(pool, (store) => {
      store.set('f1', 'a.x', 1)
      store.set('f1', 'a', { y: 1 })
      store.set('f1', 'b.y', 0)
      store.set('f1', 'b', { x: 1 })
      store.set('f1', 'b.y', 1)
      store.set('f1', 'list[0]', 'first')
    })
    expect(kept).toEqual({ f1: { a: { y: 1 }, b: { x: 1, y: 1 }, list: ['first', 2, 3] } })
  })

  test('what was removed in memory stays away when the broker comes', async () => {
    const pool = { global: { gone: 1, stays: 1, map: { gone: 1, stays: 1 } }, f1: { x: 1 }, f2: { x: 1 }, f3: { x: 1 } }
    const kept = await merged(pool, async (store) => {
      store.set('global', 'gone', undefined)
      store.set('global', 'map.gone', undefined)
      await store.delete('f1')
      store.set('f3', 'y', 2)
      await store.clean(['f1', 'f3', 'done'])
    })
    expect(kept).toEqual({ global: { stays: 1, map: { stays: 1 } }, f3: { x: 1, y: 2 } })
  })

  test('a broker that refuses what was set in memory is a warning, and flows go on', async () => {
    const { url, kill, restart } = await startMosquitto({ users: { ann: 'secret' } })
    onTestFinished(() => kill())
    await kill()
    const store = await opened({ url, startTimeoutMs: 50, offline: 'memory' })
    store.set('f1', 'x', 1)
    const told = warning(/password/)
    await restart()
    await told
    expect(store.get('f1', 'x')).toBe(1)
  })

  test('what is set inside of what has no properties there is told, and everything else is merged', async () => {
    const told = warning(/"a.b" cannot be set/)
    const kept = await merged({ f1: { a: 5 } }, (store) => {
      store.set('f1', 'a.b', 1)
      store.set('f1', 'c', 1)
    })
    expect(kept).toEqual({ f1: { a: 5, c: 1 } })
    await told
  })
})
