import { createStorage, restoreSnapshot, type Storage, type StorageValue, snapshot } from 'unstorage'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import persistMqttDriver, { type UnstorageOptions } from '../../src/adapters/unstorage.ts'
import { openEditor, openStore, type Store } from '../../src/index.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type Mosquitto, startMosquitto } from '../helpers/mosquitto.ts'
import { poolTextAt } from '../helpers/mqtt-client.ts'
import { waitFor } from '../helpers/wait.ts'

describe.skipIf(!mosquittoAvailable)('unstorage on Mosquitto', () => {
  let broker: Mosquitto
  let pt: Store
  beforeAll(async () => {
    broker = await startMosquitto()
    pt = await openStore({ url: broker.url, name: 'conformance' })
  })
  afterAll(async () => {
    await pt.$close()
    await broker.stop()
  })

  const held = async (name: string) => JSON.parse((await poolTextAt(broker.url, `stat/${name}/PersistMQTT`)) ?? 'null')
  const storageOf = (options: UnstorageOptions) => {
    const storage = createStorage({ driver: persistMqttDriver({ url: broker.url, ...options }) })
    onTestFinished(() => storage.dispose())
    return storage
  }

  describe('as any driver', () => {
    let storage: Storage
    beforeEach(async () => {
      storage = createStorage({ driver: persistMqttDriver({ store: pt }) })
      await storage.clear()
      await restoreSnapshot(storage, { initial: 'works' })
    })

    test('items of a snapshot are there', async () => {
      expect(await storage.hasItem('initial')).toBe(true)
      expect(await storage.getItem('initial')).toBe('works')
      expect(await snapshot(storage, '')).toEqual({ initial: 'works' })
    })

    test('items are set, also with a query in the key', async () => {
      await storage.setItem('s1:a', 'test_data')
      await storage.setItem('s2:a', 'test_data')
      await storage.setItem('s3:a?q=1', 'test_data')
      expect(await storage.hasItem('s1:a')).toBe(true)
      expect(await storage.getItem('s1:a')).toBe('test_data')
      expect(await storage.getItem('s3:a?q=2')).toBe('test_data')
    })

    test('keys are listed, all, of a base, and to a depth', async () => {
      for (const key of ['s1:a', 's2:a', 's3:a', 'd0', 'd1:a', 'd1:b:c']) await storage.setItem(key, 'x')
      const all = ['d0', 'd1:a', 'd1:b:c', 'initial', 's1:a', 's2:a', 's3:a']
      expect((await storage.getKeys()).sort()).toEqual(all)
      expect(await storage.getKeys('s1')).toEqual(['s1:a'])
      expect((await storage.getKeys('d1')).sort()).toEqual(['d1:a', 'd1:b:c'])
      expect((await storage.getKeys('', { maxDepth: 0 })).sort()).toEqual(['d0', 'initial'])
      expect((await storage.getKeys(undefined, { maxDepth: 1 })).sort()).toEqual(all.filter((key) => key !== 'd1:b:c'))
      expect(await storage.getKeys('nothing')).toEqual([])
    })

    test.each([{ json: 'works' }, [1, { two: 3 }], 0, 1.5, true, false, '', 'null?', null, { $value: 1 }])(
      '%j comes back',
      async (value) => {
        await storage.setItem('value', value)
        expect(await storage.getItem('value')).toEqual(value)
        expect(await storage.hasItem('value')).toBe(true)
      },
    )

    test('objects say by themselves how they are kept, or are refused', async () => {
      class Kept {
        toJSON() {
          return { works: true }
        }
      }
      class Unknown {}
      await storage.setItem('kept', new Kept() as never)
      expect(await storage.getItem('kept')).toEqual({ works: true })
      await expect(storage.setItem('unknown', new Unknown() as never)).rejects.toThrow('stringify')
      expect(await storage.getItem('unknown')).toBeNull()
    })

    test('bytes come back as they were set', async () => {
      const bytes = new Uint8Array([1, 2, 0, 255])
      await storage.setItemRaw('bytes', bytes)
      expect(new Uint8Array((await storage.getItemRaw<Uint8Array>('bytes')) ?? [])).toEqual(bytes)
    })

    test('several items are set and read at once', async () => {
      await storage.setItems<StorageValue>([
        { key: 't:1', value: 'one' },
        { key: 't:2', value: { two: 2 } },
        { key: 't:3', value: 3 },
      ])
      expect(await storage.getItem('t:2')).toEqual({ two: 2 })
      const items = await storage.getItems(['t:1', 't:2', { key: 't:3', options: {} }])
      expect(items).toEqual([
        { key: 't:1', value: 'one' },
        { key: 't:2', value: { two: 2 } },
        { key: 't:3', value: 3 },
      ])
    })

    test('an item is removed', async () => {
      await storage.setItem('s1:a', 'x')
      await storage.removeItem('s1:a')
      expect(await storage.hasItem('s1:a')).toBe(false)
      expect(await storage.getItem('s1:a')).toBeNull()
    })

    test('what is known about an item is kept, and no key', async () => {
      await storage.setItem('a', 'x')
      await storage.setMeta('a', { mtime: new Date(0), by: 'us' })
      expect(await storage.getMeta('a')).toEqual({ mtime: new Date(0), by: 'us' })
      expect((await storage.getKeys()).sort()).toEqual(['a', 'initial'])
      await storage.removeItem('a', { removeMeta: true })
      expect(await storage.getMeta('a')).toEqual({})
    })

    test('everything is removed, or what is below a base', async () => {
      for (const key of ['s1:a', 's1:b', 's2:a']) await storage.setItem(key, 'x')
      // unstorage itself clears whole mounts.
      await storage.getMount('').driver.clear?.('s1:', {})
      expect((await storage.getKeys()).sort()).toEqual(['initial', 's2:a'])
      await storage.clear()
      await storage.clear()
      expect(await storage.getKeys()).toEqual([])
    })

    test('a driver that is mounted somewhere has the keys below that', async () => {
      const whole = createStorage().mount('home', persistMqttDriver({ store: pt }))
      await whole.setItem('home:save', 1)
      await whole.setItem('elsewhere', 2)
      expect((await whole.getKeys('home')).sort()).toEqual(['home:initial', 'home:save'])
      expect(pt['~save']).toBe(1)
      await whole.clear('home')
      expect(await whole.getKeys()).toEqual(['elsewhere'])
      // It was given, and is not the driver's to close.
      await whole.dispose()
      expect(pt.$status.state).toBe('ready')
    })
  })

  test('each item is a variable, which others can read', async () => {
    const storage = storageOf({ name: 'site' })
    await storage.setItem('visits:today', 3)
    await storage.setItem('user:1', { name: 'Ann', since: '2026' })
    // Nothing else is waited for: it is there when it is set.
    expect(await held('site')).toEqual({ 'visits:today': 3, 'user:1': { name: 'Ann', since: '2026' } })
  })

  test('several items are one message', async () => {
    const storage = storageOf({ name: 'batch' })
    const store = (await storage.getMount('').driver.getInstance?.()) as Store
    await store.save()
    let saves = 0
    store.$on('save', () => {
      saves += 1
    })
    await storage.setItems(Array.from({ length: 50 }, (_, index) => ({ key: `item:${index}`, value: index })))
    expect(saves).toBe(1)
    expect(Object.keys(await held('batch'))).toHaveLength(50)
  })

  test('what is changed is told, here and elsewhere', async () => {
    const storage = storageOf({ name: 'watched' })
    const told: string[] = []
    const stop = await storage.watch((event, key) => told.push(`${event} ${key}`))
    await storage.setItem('a:b', 1)
    await using editor = await openEditor({ url: broker.url, name: 'watched' })
    await editor.patch({ 'a:b': 2, c: 3 })
    await storage.removeItem('a:b')
    const all = ['update a:b', 'update a:b', 'update c', 'remove a:b']
    await waitFor(() => told.length >= all.length, { what: 'the events' })
    await stop()
    await storage.setItem('d', 1)
    expect(told).toEqual(all)
  })

  test('items are kept for as long as they are to be', async () => {
    const storage = storageOf({ name: 'ttl', ttl: 3600 })
    await storage.setItem('own', 1, { ttl: 0.2 })
    await storage.setItem('default', 2)
    await storage.setItem('always', 3, { ttl: 0 })
    await storage.setItems([{ key: 'many', value: 'no JSON', options: { ttl: 60 } }])
    const now = Date.now()
    const { own, default: byDefault, always, many } = await held('ttl')
    expect([own.$value, byDefault.$value, always, many.$value]).toEqual([1, 2, 3, 'no JSON'])
    expect(byDefault.$expires - now).toBeGreaterThan(3_590_000)
    expect(byDefault.$expires - now).toBeLessThanOrEqual(3_600_000)
    expect(many.$expires - now).toBeLessThanOrEqual(60_000)
    await waitFor(async () => !(await storage.hasItem('own')), { what: 'the end of its time' })
    expect(await storage.getItem('own')).toBeNull()
    expect(await storage.getKeys()).toEqual(['default', 'always', 'many'])
    expect(await storage.getItem('many')).toBe('no JSON')
    await waitFor(async () => !('own' in (await held('ttl'))), { what: 'the removal' })
    await expect(storage.setItem('bad', 1, { ttl: 'soon' })).rejects.toMatchObject({ code: 'ERR_PERSIST_OPTION' })
  })

  test('what cannot be kept is refused, and everything else goes on as before', async () => {
    const storage = storageOf({ name: 'limited', maxBytes: 86 })
    await storage.setItem('a', { is: 1 })
    const tooMuch = [
      { key: 'b', value: 2 },
      { key: 'a', value: 'x'.repeat(60) },
    ]
    const refused = { code: 'ERR_PERSIST_TOO_LARGE' }
    await expect(storage.setItems<StorageValue>(tooMuch)).rejects.toMatchObject(refused)
    expect(await storage.getItem('a')).toEqual({ is: 1 })
    await storage.setItem('c', 3)
    // While the first one is on its way, the others wait to be saved together.
    const tooLarge = 'x'.repeat(60)
    const sets = [
      ['c', 4],
      ['a', tooLarge],
      ['a', [5]],
      ['d', tooLarge],
      ['a', [6]],
    ] as const
    const all = await Promise.allSettled(sets.map(([key, value]) => storage.setItem(key, value as StorageValue)))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'rejected'])
    expect(await storage.getItems(['a', 'c', 'd'])).toEqual([
      { key: 'a', value: { is: 1 } },
      { key: 'c', value: 4 },
      { key: 'd', value: null },
    ])
    expect(await held('limited')).toEqual({ a: { is: 1 }, c: 4 })
  })
})
