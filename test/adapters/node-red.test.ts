import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { mergedContext } from '../../src/adapters/node-red/merged-context.ts'
import { type NodeRedOptions, nodeRedContextStore } from '../../src/adapters/node-red.ts'
import { type MemoryPlace, memoryBackend, memoryPlace } from '../../src/memory.ts'
import { textOf, withoutRevision } from '../helpers/bytes.ts'
import { waitFor } from '../helpers/wait.ts'
import { contexts } from './node-red-modules.ts'

let place: MemoryPlace
beforeEach(() => {
  place = memoryPlace()
})

/** What is kept. */
const pool = () => JSON.parse(withoutRevision(textOf(place.bytes) ?? '{}'))
const write = (text: string) => place.replace(new TextEncoder().encode(text))

/** Starts Node-RED's contexts with this store beside the one in memory, which is the default. */
async function start(settings: object = {}, options: NodeRedOptions = {}): Promise<void> {
  const mqtt = { module: nodeRedContextStore, config: { backend: memoryBackend(place), ...options } }
  contexts.init({ contextStorage: { default: 'memoryOnly', memoryOnly: { module: 'memory' }, mqtt }, ...settings })
  await contexts.load()
  onTestFinished(() => contexts.close().then(() => {}))
}

async function restart(): Promise<void> {
  await contexts.close()
  await start()
}

const global = () => contexts.get('n1', 'f1').global
const flow = () => contexts.getFlowContext('f1')
const node = () => contexts.get('n1', 'f1')
const invalid = expect.objectContaining({ code: 'INVALID_EXPR' })
const refused = expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE' })

describe('the contexts of Node-RED', () => {
  test.each([
    ['global', global, 'global'],
    ['flow', flow, 'f1'],
    ['node', node, 'n1:f1'],
  ])('%s: what is set is kept in a variable of its own', async (_, context, scope) => {
    await start()
    context().set('count', 1, 'mqtt')
    context().set('#:(mqtt)::room.window[0]', 'open')
    context().set('forgotten', 1)
    expect(context().get('count', 'mqtt')).toBe(1)
    expect(context().get('count')).toBeUndefined()
    await restart()
    expect(pool()).toEqual({ [scope]: { count: 1, room: { window: ['open'] } } })
    expect(context().get('#:(mqtt)::count')).toBe(1)
    expect(context().get('room.window', 'mqtt')).toEqual(['open'])
    expect(context().get('forgotten')).toBeUndefined()
    expect(context().keys('mqtt')).toEqual(['count', 'room'])
  })

  test('the contexts of Node-RED answer callbacks', async () => {
    await start()
    const calls: unknown[][] = []
    const note = (...args: unknown[]) => void calls.push(args)
    flow().set(['a', 'b', 'c'], [1, [2]], 'mqtt', note)
    flow().get('b', 'mqtt', note)
    flow().get(['a', 'none', 'c'], 'mqtt', note)
    flow().keys('mqtt', note)
    flow().get('a..b', 'mqtt', note)
    flow().get(['a', 'a..b'], 'mqtt', note)
    flow().set('a..b', 1, 'mqtt', note)
    expect(calls.slice(1, 4)).toEqual([
      [undefined, [2]],
      [undefined, 1, undefined, null],
      [undefined, ['a', 'b', 'c']],
    ])
    expect(calls[0]?.[0]).toBeUndefined()
    expect(calls.slice(4)).toEqual([[invalid], [invalid], [invalid]])
    expect(() => flow().get('a..b', 'mqtt')).toThrow(invalid)
    expect(() => flow().set('a..b', 1, 'mqtt')).toThrow(invalid)
  })

  test('undefined removes a key, an item, a member of a context', async () => {
    await start()
    flow().set(['map', 'list', 'gone'], [{ a: 1, b: 2 }, [1, 2, 3], 1], 'mqtt')
    flow().set('map.a', undefined, 'mqtt')
    flow().set('list[1]', undefined, 'mqtt')
    flow().set(['gone', 'never.was'], [undefined, undefined], 'mqtt')
    await restart()
    expect(pool()).toEqual({ f1: { map: { b: 2 }, list: [1, 3] } })
  })

  test('the contexts of Node-RED have the values of the settings below those of the pool', async () => {
    await start({ functionGlobalContext: { os: 'linux', count: 1 } })
    global().set('count', 5, 'mqtt')
    expect(global().get(['os', 'count', 'none'], 'mqtt')).toEqual(['linux', 5, undefined])
    expect(global().keys('mqtt')).toEqual(['os', 'count'])
    await restart()
    expect(pool()).toEqual({ global: { count: 5 } })
  })

  test('clean() removes the contexts of nodes and flows that are gone, never global, and nothing that is no context', async () => {
    write('{"note":"of somebody else"}')
    await start()
    for (const context of [global(), flow(), node(), contexts.get('n2', 'f1'), contexts.getFlowContext('f2')]) {
      context.set('x', 1, 'mqtt')
    }
    await contexts.clean({ allNodes: { f1: {}, n1: {} } })
    expect(contexts.get('n2', 'f1').get('x', 'mqtt')).toBeUndefined()
    await restart()
    const x = { x: 1 }
    expect(pool()).toEqual({ note: 'of somebody else', global: x, f1: x, 'n1:f1': x })
    await contexts.delete('global')
    await restart()
    expect(pool()).toEqual({ note: 'of somebody else', f1: x, 'n1:f1': x })
  })

  test('the contexts of Node-RED give copies, and keep copies', async () => {
    await start()
    const list = [1]
    flow().set('list', list, 'mqtt')
    list.push(2)
    flow().get('list', 'mqtt').push(3)
    expect(flow().get('list', 'mqtt')).toEqual([1])
  })

  test('what the contexts of Node-RED refuse leaves nothing behind: no parents, and none of the keys set with it', async () => {
    await start()
    expect(() => flow().set('rooms.kitchen.seen', new Date(), 'mqtt')).toThrow(refused)
    expect(() => flow().set(['a', 'b'], [1, Buffer.from('x')], 'mqtt')).toThrow(refused)
    expect(flow().keys('mqtt')).toEqual([])
    flow().set(['a', 'list'], [1, [1]], 'mqtt')
    expect(() => flow().set(['a', 'list[1]', 'new', 'c'], [2, 2, 2, () => 2], 'mqtt')).toThrow(refused)
    expect(() => flow().set(['a', 'b..c'], [2, 2], 'mqtt')).toThrow(invalid)
    expect(() => flow().set('list[3].a', () => 1, 'mqtt')).toThrow(refused)
    await restart()
    expect(pool()).toEqual({ f1: { a: 1, list: [1] } })
  })

  const cyclic: unknown[] = []
  cyclic.push({ cyclic })
  test.each([
    ['a Date', { at: new Date() }, 'pt.f1.x.at'],
    ['a Buffer', Buffer.from('x'), 'pt.f1.x'],
    ['a function', () => 1, 'pt.f1.x'],
    ['NaN', [1, Number.NaN], 'pt.f1.x[1]'],
    ['undefined in a list', { a: [undefined] }, 'pt.f1.x.a[0]'],
    ['what is in itself', cyclic, 'pt.f1.x[0].cyclic'],
  ])('the contexts of Node-RED refuse %s, and lose nothing', async (_, value, path) => {
    await start()
    flow().set('x', 'before', 'mqtt')
    expect(() => flow().set('x', value, 'mqtt')).toThrow(refused)
    let error: unknown
    flow().set('x', value, 'mqtt', (thrown) => {
      error = thrown
    })
    expect(error).toMatchObject({ name: 'PersistError', code: 'ERR_PERSIST_NOT_STORABLE', path: expect.any(String) })
    expect(String((error as { path: string }).path).startsWith(path.slice(0, 7))).toBe(true)
    expect(() => flow().set('new.x', value, 'mqtt')).toThrow()
    await restart()
    expect(flow().get('x', 'mqtt')).toBe('before')
  })

  test('the contexts of Node-RED leave out what is undefined in a map, and take values that are in a value twice', async () => {
    await start()
    const twice = { a: 1 }
    flow().set('x', { none: undefined, list: [{ none: undefined }], twice: [twice, twice] }, 'mqtt')
    await restart()
    expect(pool()).toEqual({ f1: { x: { list: [{}], twice: [{ a: 1 }, { a: 1 }] } } })
  })

  test('the contexts of Node-RED give no properties to what has none, and fill lists that are too short', async () => {
    await start()
    flow().set(['n', 'list'], [5, [1]], 'mqtt')
    expect(() => flow().set('n.a', 1, 'mqtt')).toThrow(refused)
    flow().set('list[2]', 3, 'mqtt')
    flow().set('device.port[1]', { on: true }, 'mqtt')
    flow().set('device.port[3].on', false, 'mqtt')
    // Nothing is filled for what is refused.
    expect(() => flow().set('list[9]', new Date(), 'mqtt')).toThrow(refused)
    expect(() => flow().set('list[9999999]', 1, 'mqtt')).toThrow(refused)
    await restart()
    expect(pool()).toEqual({
      f1: { n: 5, list: [1, null, 3], device: { port: [null, { on: true }, null, { on: false }] } },
    })
  })

  test("no path of Node-RED's contexts reaches a prototype", async () => {
    await start()
    for (const key of ['__proto__.polluted', 'constructor.prototype.polluted', '__proto__', 'a.__proto__.polluted']) {
      flow().set(key, 'yes', 'mqtt')
      expect(flow().get(key, 'mqtt')).toBe('yes')
      expect(({} as { polluted?: string }).polluted).toBeUndefined()
      flow().set(key, undefined, 'mqtt')
    }
    expect(flow().get('toString', 'mqtt')).toBeUndefined()
    expect(flow().get('a.constructor', 'mqtt')).toBeUndefined()
    for (const scope of ['__proto__', 'constructor', 'save']) {
      const store = nodeRedContextStore({ backend: memoryBackend(place) })
      await store.open()
      expect(() => store.set(scope, 'polluted', 1)).toThrow(
        expect.objectContaining({ code: 'ERR_PERSIST_RESERVED_NAME' }),
      )
      expect(store.keys(scope)).toEqual([])
      await store.close()
    }
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })

  test('the contexts of Node-RED take what somebody else writes, key by key beside what flows set', async () => {
    await start({}, { autosave: false })
    global().set(['count', 'limit', 'map'], [1, 1, { a: 1, b: 1 }], 'mqtt')
    await restart()
    global().set(['count', 'map.a'], [2, 2], 'mqtt')
    write('{"global":{"count":1,"limit":7,"map":{"a":1,"b":7}},"f1":{"new":1}}')
    await waitFor(() => global().get('limit', 'mqtt') === 7, { what: 'the change' })
    expect(flow().get('new', 'mqtt')).toBe(1)
    await restart()
    expect(pool()).toEqual({ global: { count: 2, limit: 7, map: { a: 2, b: 7 } }, f1: { new: 1 } })
  })
})

test.each([
  [
    { a: 1, b: 1 },
    { a: 2, b: 1 },
    { a: 1, b: 2 },
    { a: 2, b: 2 },
  ],
  [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
  [{ a: 1, b: 1 }, { b: 1 }, { a: 1 }, {}],
  [{ a: 1, b: 1 }, { b: 2 }, { a: 2, b: 1 }, { b: 2 }],
  [undefined, { a: 1 }, { b: 1 }, { a: 1, b: 1 }],
  [{ a: 1 }, undefined, { a: 2 }, undefined],
  [{ a: 1 }, { a: 2 }, undefined, { a: 2 }],
  [{ a: [1] }, { a: [1, 2] }, { a: [0, 1] }, { a: [1, 2] }],
])('of %j flows make %j and others %j: %j', (base, local, remote, merged) => {
  expect(mergedContext({ base, local, remote } as Parameters<typeof mergedContext>[0])).toEqual(merged)
})

test('wrong options of the context store are errors', async () => {
  const wrong = expect.objectContaining({ code: 'ERR_PERSIST_OPTION' })
  expect(() => nodeRedContextStore({ startTimeoutMs: 0 })).toThrow(wrong)
  expect(() => nodeRedContextStore({ offline: 'never' as 'fail' })).toThrow(wrong)
  await expect(nodeRedContextStore({ saveTimeoutMs: -1 }).open()).rejects.toEqual(wrong)
})

test('nothing is set before the context store is open', () => {
  const store = nodeRedContextStore({ backend: memoryBackend(place) })
  expect(() => store.set('f1', 'a', 1)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_READY' }))
})
