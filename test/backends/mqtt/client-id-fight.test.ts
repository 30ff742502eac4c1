import { describe, expect, onTestFinished, test } from 'vitest'
import { ClientIdFight } from '../../../src/backends/mqtt/client-id-fight.ts'
import { openStore, type PersistError } from '../../../src/index.ts'
import type { ConnectionFailure } from '../../../src/mqtt/failure.ts'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import { editedAt, openedAt, proxied, running } from '../../helpers/opened-at.ts'
import { heard } from '../../helpers/opened-store.ts'
import { waitFor } from '../../helpers/wait.ts'
import { errorOf, openBackend, openingError } from './fixture.ts'

const closed: ConnectionFailure = { kind: 'closed' }
const takenOver: ConnectionFailure = { kind: 'disconnect', code: 0x8e }
const silent: ConnectionFailure = { kind: 'silent' }

/** What one connection came to, and the next. */
interface Loss {
  readonly failure: ConnectionFailure
  readonly lastedMs?: number
  readonly isIdSecret?: boolean
  readonly isBackAtOnce?: boolean
  readonly isAtWrites?: boolean
}

const loss: Loss = { failure: closed }

/** What comes of losses: whether it is known, and whether another client was asked for. */
function outcomeOf(losses: readonly Loss[], givenClientId?: string) {
  const told: PersistError[] = []
  const fight = new ClientIdFight('x', givenClientId, (error) => told.push(error))
  let isSuspected = false
  for (const { failure, lastedMs = 10, isIdSecret = false, isBackAtOnce = true, isAtWrites = false } of losses) {
    fight.lost(failure, lastedMs, isIdSecret)
    isSuspected ||= fight.back(isBackAtOnce, isAtWrites)
  }
  expect(fight.error).toBe(told[0])
  return { fight, told, isSuspected }
}

describe('another client with the same client id', () => {
  const rows: readonly [name: string, losses: readonly Loss[], outcome: 'known' | 'suspected' | 'neither'][] = [
    ['is no matter of two times', [loss, loss], 'neither'],
    ['is looked for where it closes three times in a row, and all is well in between', [loss, loss, loss], 'suspected'],
    ['is not it where the broker was away once', [loss, { ...loss, isBackAtOnce: false }, loss], 'neither'],
    ['is not it where a connection was silent once', [loss, { ...loss, failure: silent }, loss], 'neither'],
    ['is not it where a connection lasted', [loss, { ...loss, lastedMs: 31_000 }, loss], 'neither'],
    ['is not it where the broker closes at writes', [loss, { ...loss, isAtWrites: true }, loss], 'neither'],
    ['is known at once by 0x8E where nobody can have the id', [{ failure: takenOver, isIdSecret: true }], 'known'],
    ['is not sure by 0x8E where others may have the id', [{ failure: takenOver }], 'neither'],
  ]
  test.each(rows)('%s', (_, losses, outcome) => {
    const { told, isSuspected } = outcomeOf(losses)
    expect([told.length, isSuspected]).toEqual([outcome === 'known' ? 1 : 0, outcome === 'suspected'])
  })

  test('with a client id that was asked for, three times are enough, since no other client could show it', () => {
    const { told, isSuspected } = outcomeOf([loss, loss, loss], 'ours')
    expect(told).toMatchObject([{ code: 'ERR_PERSIST_CONNECT', message: expect.stringMatching(/clientId of its own/) }])
    expect(isSuspected).toBe(false)
  })

  test('is told once, and forgotten when a connection has lasted', () => {
    const { fight, told } = outcomeOf(Array<Loss>(9).fill(loss), 'ours')
    fight.lost(closed, 31_000, false)
    expect([told.length, fight.error]).toEqual([1, undefined])
    fight.known()
    expect([told.length, fight.error?.code]).toEqual([1, 'ERR_PERSIST_CONNECT'])
  })

  test('is not seen in a link that breaks again and again', async () => {
    const { url } = await running(startAedes())
    const proxy = await proxied(url)
    const { told } = await openBackend({ url: proxy.url, role: 'owner', name: 'garage' })
    const first = proxy.connections()
    const times = (what: string) => told.filter((one) => what in one).length
    for (let count = 1; count <= 5; count++) {
      proxy.cut()
      await waitFor(() => times('online') === count, { what: 'the link to be back', limitMs: 10_000 })
      // After the third time another client comes and goes.
      const connections = first + count + (count < 3 ? 0 : 1)
      await waitFor(() => proxy.connections() === connections && proxy.open() === 1, { what: 'one to be left' })
    }
    expect(told.map((one) => Object.keys(one)[0])).toEqual(Array(5).fill(['offline', 'online']).flat())
  })
})

describe.skipIf(!mosquittoAvailable)('a broker that takes the user name for the client id', () => {
  const ann = { username: 'ann', saveOnExit: false }
  const start = () => running(startMosquitto({ listenerConfig: ['use_username_as_clientid true'] }))

  test.each([4, 5] as const)(
    'two programs of one user are told of each other (protocol %i)',
    async (protocolVersion) => {
      const { url } = await start()
      const stores = await Promise.all(
        ['a', 'b'].map((name) => openStore({ ...ann, url, name, protocolVersion, onConflict: 'local' })),
      )
      for (const pt of stores) onTestFinished(() => pt.$close().catch(() => {}))
      const errors = stores.map((pt) => heard(pt, 'error'))
      await waitFor(() => errors.every((one) => one.length > 0), { what: 'both to be told', limitMs: 20_000 })
      expect(errors.flat()).toEqual(
        [0, 1].map(() =>
          expect.objectContaining({ code: 'ERR_PERSIST_CONNECT', message: expect.stringMatching(/same client id/) }),
        ),
      )
    },
  )

  const held = async (url: string) =>
    JSON.parse((await poolTextAt(url, 'stat/garage/PersistMQTT', { username: 'bob' })) ?? 'null')

  /** A pool whose owner said that it is one, and then that it is offline. */
  async function ownedButAway(url: string): Promise<void> {
    const client = await connectClient(url, { username: 'bob' })
    const rank = JSON.stringify({ session: '0123456789abcdef', since: 1 })
    await client.publishAsync('stat/garage/PersistMQTT', '{"x":1}', { qos: 1, retain: true })
    await client.publishAsync('stat/garage/PersistMQTT/owner', rank, { qos: 1, retain: true })
    await client.publishAsync('tele/garage/LWT', 'Offline', { qos: 1, retain: true })
    await client.endAsync()
  }

  test('an editor does not write past an owner that it may keep away itself, unless it is forced to', async () => {
    const { url } = await start()
    await ownedButAway(url)
    const editor = await editedAt(url, { username: 'ann' })
    expect(await errorOf(editor.patch({ x: 2 }))).toMatchObject({
      code: 'ERR_PERSIST_NO_ANSWER',
      message: expect.stringMatching(/same client id/),
    })
    expect(await held(url)).toEqual({ x: 1 })
    expect(await editor.patch({ x: 2 }, { force: true })).toEqual({ way: 'direct' })
    expect(await held(url)).toEqual({ x: 2 })
  })

  test('at another broker it writes, since such an owner merges when it is back', async () => {
    const { url } = await running(startMosquitto())
    await ownedButAway(url)
    const editor = await editedAt(url, { username: 'ann' })
    expect(await editor.patch({ x: 2 })).toEqual({ way: 'direct' })
  })

  test('an editor writes a pool that its owner has closed', async () => {
    const { url } = await start()
    const pt = await openStore({ ...ann, url, name: 'garage' })
    pt.x = 1
    await pt.$close()
    const editor = await editedAt(url, { username: 'ann' })
    expect(await editor.patch({ x: 2 })).toEqual({ way: 'direct' })
  })

  test('a pool is migrated on the one connection', async () => {
    const { url } = await start()
    const old = await openStore({ ...ann, url, name: 'garage' })
    old.x = 1
    await old.$close()
    const proxy = await proxied(url)
    const pt = await openedAt(proxy.url, { ...ann, version: 2, migrate: { 2: ({ x = 0 }) => ({ y: x }) } })
    await pt.save()
    expect(await held(url)).toEqual({ y: 1, $version: 2 })
    expect(proxy.connections()).toBe(1)
  })
})

describe.skipIf(!mosquittoAvailable)('the option clientId', () => {
  const allowed = () => running(startMosquitto({ config: ['clientid_prefixes ours-'] }))

  test('lets a store in where the broker lets certain client ids in only, also when it comes back', async () => {
    const { url } = await allowed()
    expect(await openingError({ url })).toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    const proxy = await proxied(url)
    const { write, wait } = await openBackend({ url: proxy.url, role: 'owner', name: 'garage', clientId: 'ours-1' })
    expect(await write('{"a":1}')).toBe('written')
    proxy.cut()
    await wait('offline')
    await wait('online')
    expect(await write('{"a":2}')).toBe('written')
  })

  test('lets an editor in, which makes a change itself with the same client id', async () => {
    const { url } = await allowed()
    const editor = await editedAt(url, { clientId: 'ours-2' })
    for (const x of [1, 2]) expect(await editor.patch({ x })).toEqual({ way: 'direct' })
  })

  test('a second owner with the same client id takes the pool over', async () => {
    const { url } = await allowed()
    const owner = { url, topic: 'stat/twice/PersistMQTT', role: 'owner', clientId: 'ours-1' } as const
    const first = await openBackend(owner)
    const second = await openBackend(owner)
    await first.wait('ended')
    await waitFor(async () => (await second.write('{"a":1}').catch(() => undefined)) === 'written', {
      what: 'the second owner to be back',
    })
  })
})
