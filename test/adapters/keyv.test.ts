import Keyv from 'keyv'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KeyValueOptions, KeyvPersistMqtt } from '../../src/adapters/keyv.ts'
import { openEditor, openStore, type PersistError, type Store } from '../../src/index.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type Mosquitto, startMosquitto } from '../helpers/mosquitto.ts'
import { poolTextAt } from '../helpers/mqtt-client.ts'
import { waitFor } from '../helpers/wait.ts'

describe.skipIf(!mosquittoAvailable)('Keyv on Mosquitto', () => {
  let broker: Mosquitto
  let pt: Store
  beforeAll(async () => {
    broker = await startMosquitto()
    pt = await openStore({ url: broker.url, name: 'suite' })
  })
  afterAll(async () => {
    await pt.$close()
    await broker.stop()
  })

  const held = async (name: string) => JSON.parse((await poolTextAt(broker.url, `stat/${name}/PersistMQTT`)) ?? 'null')
  /** A Keyv with a pool of its own, let go at the end of the test. */
  const keyvOf = (options: KeyValueOptions, keyvOptions: object = {}) => {
    const store = new KeyvPersistMqtt({ url: broker.url, ...options })
    const keyv = new Keyv({ store, throwOnErrors: true, ...keyvOptions })
    onTestFinished(() => keyv.disconnect())
    return keyv
  }

  test('each key of Keyv is a variable, which others can read and change', async () => {
    const keyv = keyvOf({ name: 'open' })
    await keyv.set('answer', { is: 42 })
    // Nothing else is waited for: it is there when it is set.
    expect(await held('open')).toEqual({ 'keyv:answer': { value: { is: 42 } } })
    await using editor = await openEditor({ url: broker.url, name: 'open' })
    await editor.patch({ 'keyv:answer': { value: { is: 43 } } })
    expect(await keyv.get('answer')).toEqual({ is: 43 })
  })

  test('another program finds what was kept', async () => {
    const first = keyvOf({ name: 'kept' })
    await first.set('Date', 'not a date')
    await first.set('bytes', Buffer.from([0, 255]))
    await first.disconnect()
    const second = keyvOf({ name: 'kept' })
    expect(await second.get('Date')).toBe('not a date')
    expect(await second.get('bytes')).toEqual(Buffer.from([0, 255]))
  })

  test('what has expired is removed from the broker, and not before', async () => {
    const keyv = keyvOf({ name: 'expiring' })
    await keyv.set('short', 1, 300)
    await keyv.set('long', 2, 3_600_000)
    await keyv.set('always', 3)
    const at = expect.any(Number)
    expect(await held('expiring')).toEqual({
      'keyv:short': { value: 1, expires: at },
      'keyv:long': { value: 2, expires: at },
      'keyv:always': { value: 3 },
    })
    await waitFor(async () => !('keyv:short' in (await held('expiring'))), { what: 'the removal' })
    expect(Object.keys(await held('expiring'))).toEqual(['keyv:long', 'keyv:always'])
    expect([await keyv.has('short'), await keyv.has('long'), await keyv.get('short')]).toEqual([false, true, undefined])
  })

  test('what expired while no program ran is removed at the next start', async () => {
    const first = await openStore({ url: broker.url, name: 'later' })
    Object.assign(first, { 'keyv:old': { value: 1, expires: 1 }, 'keyv:new': { value: 2 } })
    first['keyv:older'] = { $value: 'no JSON', $expires: 2 }
    first['keyv:soon'] = { value: 3, expires: Date.now() + 500 }
    // Not what Keyv writes.
    first.offer = { value: 1, unit: '€', expires: 1 }
    await first.$close()
    const keyv = keyvOf({ name: 'later' })
    expect(await keyv.get('new')).toBe(2)
    const remain = async () => Object.keys(await held('later')).join() === 'keyv:new,offer'
    await waitFor(remain, { what: 'the removals' })
  })

  test('any text is a key, and the names of stores are among them', async () => {
    const keyv = keyvOf({ name: 'names' }, { namespace: '' })
    const keys = ['save', '', '__proto__', '$version', '~', 'constructor', 'then', 'a.b["c"]']
    for (const key of keys) await keyv.set(key, key)
    for (const key of keys) expect(await keyv.get(key)).toBe(key)
    const found: string[] = []
    // Keyv itself takes a namespace off of every key, also where there is none.
    for await (const [key] of keyv.store.iterator()) found.push(key)
    expect(found).toEqual(keys)
    expect(await keyv.delete('save')).toBe(true)
    expect(await keyv.has('save')).toBe(false)
  })

  test('clear() leaves the version of the pool', async () => {
    const keyv = keyvOf({ name: 'versioned', version: 3 }, { namespace: '' })
    await keyv.set('a', 1)
    await keyv.clear()
    expect(await held('versioned')).toEqual({ $version: 3 })
  })

  test('Keyv may have another serializer, or none', async () => {
    const words = {
      serialize: ({ value }: { value?: unknown }) => `<${value}>`,
      deserialize: (text: string) => ({ value: text.slice(1, -1) }),
    }
    const custom = keyvOf({ name: 'custom' }, words)
    await custom.set('a', 'b', 60_000)
    expect(await custom.get('a')).toBe('b')
    expect(await held('custom')).toEqual({ 'keyv:a': { $value: '<b>', $expires: expect.any(Number) } })
    const none = keyvOf({ name: 'none' }, { serialize: undefined, deserialize: undefined })
    await none.set('a', { b: [1] }, 60_000)
    expect(await none.get('a')).toEqual({ b: [1] })
    await none.disconnect()
    expect(await none.get('a')).toEqual({ b: [1] })
  })

  test('what is set with autosave is there at once and saved later', async () => {
    const keyv = keyvOf({ name: 'lazy', autosave: { delayMs: 50 } })
    await keyv.get('any')
    for (let index = 0; index < 100; index += 1) await keyv.set('count', index)
    expect(await keyv.get('count')).toBe(99)
    await waitFor(async () => (await held('lazy'))?.['keyv:count'].value === 99, { what: 'the autosave' })
  })

  test('what cannot be saved is told once', async () => {
    const keyv = keyvOf({ name: 'small', maxBytes: 60 }, { throwOnErrors: false })
    const errors: PersistError[] = []
    keyv.on('error', (error) => errors.push(error))
    expect(await keyv.set('a', 1)).toBe(true)
    expect(await keyv.set('b', 'x'.repeat(100))).toBe(false)
    // Whatever is told comes before the broker's next answer.
    expect(await keyv.set('a', 2)).toBe(true)
    expect(errors.map(({ code }) => code)).toEqual(['ERR_PERSIST_TOO_LARGE'])
  })

  test('what could not be saved by autosave is told', async () => {
    const keyv = keyvOf({ name: 'later-small', maxBytes: 60, autosave: { delayMs: 1 } })
    const errors: PersistError[] = []
    keyv.on('error', (error) => errors.push(error))
    await keyv.set('b', 'x'.repeat(100))
    await waitFor(() => errors.length > 0, { what: 'the error' })
    expect(errors[0]?.code).toBe('ERR_PERSIST_TOO_LARGE')
    await keyv.delete('b')
  })

  test('a broker that is not there is told, and found when it is', async () => {
    const other = await startMosquitto()
    onTestFinished(() => other.stop())
    await other.kill()
    const options = { url: other.url, name: 'late', openTimeoutMs: 2000 }
    const keyv = keyvOf(options, { throwOnErrors: false })
    const errors: PersistError[] = []
    keyv.on('error', (error) => errors.push(error))
    expect(await keyv.get('a')).toBeUndefined()
    expect(await keyv.set('a', 1)).toBe(false)
    expect(errors.map(({ code }) => code)).toEqual(['ERR_PERSIST_CONNECT', 'ERR_PERSIST_CONNECT'])
    await other.restart()
    expect(await keyv.set('a', 2)).toBe(true)
    expect(await keyv.get('a')).toBe(2)
    expect(errors).toHaveLength(2)
  })

  test('a store that was given stays open', async () => {
    const keyv = new Keyv({ store: new KeyvPersistMqtt({ store: pt }) })
    await keyv.set('a', 1)
    await keyv.disconnect()
    expect(pt.$status.state).toBe('ready')
    expect(await keyv.get('a')).toBe(1)
  })
})
