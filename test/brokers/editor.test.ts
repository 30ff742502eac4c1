import { describe, expect, onTestFinished, test } from 'vitest'
import { openEditor, openStore, type PersistError, type StoreOptions } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { editedAt, openedAt, poolAt, proxied, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

interface Garage {
  counter: number
  limits: { low: number; high?: number }
  a?: number
  b?: number
}

const TOPIC = 'stat/garage/PersistMQTT'

/** An owner of the pool, from when editors can see that there is one. */
async function owned(url: string, options: StoreOptions<Garage> = {}) {
  const pt = await openedAt<Garage>(url, options)
  await waitFor(() => retainedAt(url, `${TOPIC}/owner`), { what: 'the owner to say that it is one' })
  return pt
}

/** A broker's url with a user in it. */
const withUser = (url: string, user: string) => url.replace('://', `://${user}@`)

async function errorOf(promise: Promise<unknown>): Promise<PersistError> {
  return promise.then(
    () => expect.fail('it should have rejected'),
    (error) => error,
  )
}

const brokers: readonly [name: string, runs: boolean, protocolVersion: 4 | 5, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, 4, () => startAedes()],
  ['Mosquitto, MQTT 3.1.1', mosquittoAvailable, 4, () => startMosquitto()],
  ['Mosquitto, MQTT 5', mosquittoAvailable, 5, () => startMosquitto()],
  ['NATS', natsAvailable, 4, () => startNats()],
]

describe.each(brokers)('%s', (_name, runs, protocolVersion, start) => {
  test.skipIf(!runs)('an editor assigns variables and replaces the pool, with an owner and without one', async () => {
    const { url } = await running(start())
    const pt = await owned(url, { protocolVersion })
    const editor = await editedAt<Garage>(url, { protocolVersion })
    for (const way of ['owner', 'direct']) {
      expect(await editor.replace({ counter: 1, limits: { low: 1, high: 2 } })).toEqual({ way })
      expect(await editor.assign({ limits: { low: 3 } })).toEqual({ way })
      expect(await poolAt(url)).toEqual({ counter: 1, limits: { low: 3 } })
      await pt.$close()
    }
  })

  test.skipIf(!runs)('an editor changes a pool through its owner, which has it at once, and has saved it', async () => {
    const { url } = await running(start())
    const pt = await owned(url, { protocolVersion })
    Object.assign(pt, { counter: 5, limits: { low: 1, high: 2 } })
    await pt.save()
    const changes: unknown[] = []
    pt.$on('change', ({ name, value, origin }) => changes.push([name, value, origin]))
    const editor = await editedAt<Garage>(url, { protocolVersion })
    expect(await editor.patch({ limits: { low: 7, high: null }, a: 1 })).toEqual({ way: 'owner' })
    expect(pt.limits).toEqual({ low: 7 })
    expect(changes).toEqual([
      ['limits', { low: 7 }, 'remote'],
      ['a', 1, 'remote'],
    ])
    expect(await poolAt(url)).toEqual({ counter: 5, limits: { low: 7 }, a: 1 })
    expect(await editor.increment('counter', 3)).toEqual({ way: 'owner', value: 8 })
    expect(await editor.increment('b')).toEqual({ way: 'owner', value: 1 })
    expect(await editor.patch({ a: null })).toEqual({ way: 'owner' })
    expect(await poolAt(url)).toEqual({ counter: 8, limits: { low: 7 }, b: 1 })
  })

  test.skipIf(!runs)('an editor changes a pool that nobody owns, and makes one that is not there', async () => {
    const { url } = await running(start())
    const editor = await editedAt<Garage>(url, { protocolVersion })
    expect(await editor.patch({ a: 1, b: 2 })).toEqual({ way: 'direct' })
    expect(await editor.increment('a', 2)).toEqual({ way: 'direct', value: 3 })
    expect(await poolAt(url)).toEqual({ a: 3, b: 2 })
    const pt = await owned(url, { protocolVersion })
    expect(await editor.increment('a', 2)).toEqual({ way: 'owner', value: 5 })
    await pt.$close()
    expect(await editor.increment('a', 2)).toEqual({ way: 'direct', value: 7 })
  })

  test.skipIf(!runs)('three editors at once: every patch is there, and the sum is exact', async () => {
    const { url } = await running(start())
    const pt = await owned(url, { protocolVersion })
    const editors = await Promise.all([1, 2, 3].map(() => editedAt<Garage>(url, { protocolVersion })))
    const work = editors.map(async (editor, index) => {
      for (let turn = 1; turn <= 20; turn++) {
        await Promise.all([editor.patch({ [`of${index}`]: turn } as never), editor.increment('counter', index + 1)])
      }
    })
    for (let turn = 1; turn <= 20; turn++) {
      pt.a = turn
      await pt.save()
    }
    await Promise.all(work)
    const expected = { counter: 20 * 6, of0: 20, of1: 20, of2: 20, a: 20 }
    expect(await poolAt(url)).toEqual(expected)
    expect({ ...pt }).toEqual(expected)
  })

  test.skipIf(!runs)(
    'what one editor changes at once in a pool that nobody owns is there, and the sum is exact',
    async () => {
      const { url } = await running(start())
      const editor = await editedAt<Garage>(url, { protocolVersion })
      const names = Array.from({ length: 10 }, (_, index) => `of${index}`)
      await Promise.all(names.flatMap((name) => [editor.patch({ [name]: 1 } as never), editor.increment('counter', 2)]))
      expect(await poolAt(url)).toEqual({ counter: 20, ...Object.fromEntries(names.map((name) => [name, 1])) })
    },
  )

  test.skipIf(!runs)('two editors of a pool that nobody owns write at once: both patches are there', async () => {
    const { url } = await running(start())
    const [one, other] = await Promise.all([
      editedAt<Garage>(url, { protocolVersion }),
      editedAt<Garage>(url, { protocolVersion }),
    ])
    for (let turn = 1; turn <= 3; turn++) {
      await Promise.all([one.patch({ a: turn }), other.patch({ b: turn })])
      expect(await poolAt(url)).toEqual({ a: turn, b: turn })
    }
  })

  test.skipIf(!runs)(
    'an owner is asked again when the link breaks while the answer is on its way, and does it once',
    async () => {
      const { url } = await running(start())
      const proxy = await proxied(url)
      const pt = await owned(url, { protocolVersion })
      pt.counter = 0
      await pt.save()
      const editor = await editedAt<Garage>(proxy.url, { protocolVersion })
      for (let turn = 1; turn <= 5; turn++) {
        const seen = new Promise<void>((resolve) => {
          const forget = pt.$on('change', () => {
            forget()
            resolve()
          })
        })
        proxy.setDelay(30)
        const increment = editor.increment('counter')
        // The owner has it, and the answer cannot be there yet.
        await seen
        proxy.cut()
        proxy.setDelay(0)
        expect(await increment).toEqual({ way: 'owner', value: turn })
        expect(pt.counter).toBe(turn)
      }
    },
  )

  test.skipIf(!runs)(
    'an owner that loses its link before it has heard of requests is asked all of them again',
    async () => {
      const { url } = await running(start())
      const proxy = await proxied(url)
      const pt = await openStore<Garage>({ url: proxy.url, name: 'garage', saveOnExit: false, protocolVersion })
      onTestFinished(() => pt.$close().catch(() => {}))
      await waitFor(() => retainedAt(url, `${TOPIC}/owner`), { what: 'the owner to say that it is one' })
      const editor = await editedAt<Garage>(url, { protocolVersion })
      proxy.freeze()
      const before = proxy.bytes().down
      const asked = [editor.increment('counter', 1), editor.increment('counter', 2), editor.increment('counter', 4)]
      // All of them are at the broker, which has sent them on.
      await waitFor(() => proxy.bytes().down - before > 3 * `${TOPIC}/increment/`.length, { what: 'the questions' })
      proxy.cut()
      proxy.thaw()
      for (const { way } of await Promise.all(asked)) expect(way).toBe('owner')
      expect(pt.counter).toBe(7)
    },
  )
})

describe.skipIf(!mosquittoAvailable)('an editor', () => {
  test('an editor that waits for a device makes the change itself when the device goes offline', async () => {
    const { url } = await running(startAedes())
    const device = await connectClient(url)
    await device.publishAsync('tele/garage/LWT', 'Online', { qos: 1, retain: true })
    await device.publishAsync(TOPIC, '{"a":1}', { qos: 1, retain: true })
    // It goes while the request is on its way to it.
    device.on('message', () => void device.publishAsync('tele/garage/LWT', 'Offline', { qos: 1, retain: true }))
    await device.subscribeAsync(`${TOPIC}/set/#`, { qos: 1 })
    const editor = await editedAt<Garage>(url)
    expect(await editor.patch({ counter: 2 })).toEqual({ way: 'direct' })
    expect(await poolAt(url)).toEqual({ a: 1, counter: 2 })
  })

  test('an editor says so where a device owns the pool that does not listen, and writes only when forced', async () => {
    const { url } = await running(startMosquitto())
    const device = await connectClient(url)
    await device.publishAsync('tele/garage/LWT', 'Online', { qos: 1, retain: true })
    await device.publishAsync(TOPIC, '{"a":1}', { qos: 1, retain: true })
    const editor = await editedAt<Garage>(url, { answerTimeoutMs: 300 })
    const error = await errorOf(editor.patch({ a: 2 }))
    expect(error).toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
    expect(error.message).toContain('Tasmota')
    expect(await poolAt(url)).toEqual({ a: 1 })
    expect(await editor.patch({ a: 2 }, { force: true })).toEqual({ way: 'direct' })
    expect(await poolAt(url)).toEqual({ a: 2 })
  })

  test('an editor says so where the owner does not answer', async () => {
    const { url } = await running(startMosquitto())
    const proxy = await proxied(url)
    const pt = await owned(proxy.url)
    pt.counter = 1
    await pt.save()
    const editor = await editedAt<Garage>(url, { answerTimeoutMs: 300 })
    proxy.freeze()
    const error = await errorOf(editor.increment('counter'))
    expect(error).toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
    expect(error.message).toContain('may or may not')
    expect(await poolAt(url)).toEqual({ counter: 1 })
    // It was on its way, and is done when the link is well again; forced, another one goes the direct way.
    proxy.thaw()
    await waitFor(async () => ((await poolAt(url)) as Garage).counter === 2, { what: 'the increment' })
  })

  test.each([
    ['a reserved name', { save: 1 }, 'ERR_PERSIST_RESERVED_NAME'],
    ['a prototype', JSON.parse('{"__proto__":{"polluted":1}}'), 'ERR_PERSIST_RESERVED_NAME'],
    ['more than fits', { a: 'x'.repeat(1000) }, 'ERR_PERSIST_TOO_LARGE'],
    ['what a device cannot read', { a: 2 ** 40 }, 'ERR_PERSIST_NOT_STORABLE'],
  ])('a patch with %s is refused by the owner, which goes on', async (_what, patch, code) => {
    const { url } = await running(startMosquitto())
    const pt = await owned(url, { maxBytes: 500, compat: 'tasmota' })
    pt.counter = 1
    const editor = await editedAt<Garage>(url)
    expect(await errorOf(editor.patch(patch as never))).toMatchObject({ code })
    expect({ ...pt }).toEqual({ counter: 1 })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(await editor.patch({ b: 3 })).toEqual({ way: 'owner' })
    expect(await poolAt(url)).toEqual({ counter: 1, b: 3 })
  })

  test.each([
    ['no object', [1]],
    ['undefined', { a: undefined }],
    ['a date', { a: new Date() }],
    ['not a number', { a: Number.NaN }],
  ])('a patch with %s is refused before anything is sent', async (_what, patch) => {
    const { url } = await running(startMosquitto())
    const editor = await editedAt<Garage>(url)
    expect(await errorOf(editor.patch(patch as never))).toMatchObject({ code: 'ERR_PERSIST_NOT_STORABLE' })
    expect(await poolAt(url)).toBeUndefined()
  })

  test('adding to what is no number is refused, whoever owns the pool', async () => {
    const { url } = await running(startMosquitto())
    const editor = await editedAt<Garage>(url)
    await editor.patch({ limits: { low: 1 } })
    expect(await errorOf(editor.increment('limits'))).toMatchObject({ code: 'ERR_PERSIST_NOT_STORABLE' })
    await owned(url)
    expect(await errorOf(editor.increment('limits'))).toMatchObject({ code: 'ERR_PERSIST_NOT_STORABLE' })
    expect(await poolAt(url)).toEqual({ limits: { low: 1 } })
  })

  test('an editor leaves bytes that are no pool as they are', async () => {
    const { url } = await running(startMosquitto())
    const client = await connectClient(url)
    await client.publishAsync(TOPIC, 'notes', { qos: 1, retain: true })
    const editor = await editedAt<Garage>(url)
    expect(await errorOf(editor.patch({ a: 1 }))).toMatchObject({ code: 'ERR_PERSIST_BAD_PAYLOAD' })
    expect((await retainedAt(url, TOPIC))?.payload.toString()).toBe('notes')
  })

  test('an editor that is closed says so, and may be closed twice', async () => {
    const { url } = await running(startMosquitto())
    const editor = await editedAt<Garage>(url)
    await editor.close()
    await editor.close()
    expect(await errorOf(editor.patch({ a: 1 }))).toMatchObject({ code: 'ERR_PERSIST_CLOSED' })
  })

  test('an editor without permission to ask says which it needs', async () => {
    const acl = ['user own', 'topic readwrite #', 'user ann', 'topic read stat/#', 'topic read tele/#']
    const { url } = await running(startMosquitto({ users: { own: 'x', ann: 'y' }, acl }))
    await owned(withUser(url, 'own:x'))
    const editor = await editedAt<Garage>(withUser(url, 'ann:y'), { protocolVersion: 5 })
    const error = await errorOf(editor.patch({ a: 1 }))
    expect(error).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    expect(error.message).toContain('/set/#')
  })

  test('an editor refuses options that only stores have, and values that make no sense', async () => {
    expect(await errorOf(openEditor({ journal: 'x' } as never))).toMatchObject({ code: 'ERR_PERSIST_OPTION' })
    expect(await errorOf(openEditor({ name: 'x', answerTimeoutMs: 0 }))).toMatchObject({ code: 'ERR_PERSIST_OPTION' })
  })
})
