import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { editedAt, openedAt, poolAt, proxied, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

interface Garage {
  n: number
}

const brokers: readonly [name: string, runs: boolean, hasOneOrder: boolean, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, true, () => startAedes()],
  ['Mosquitto', mosquittoAvailable, true, () => startMosquitto()],
  ['NATS', natsAvailable, false, () => startNats()],
]

describe.each(brokers)('an editor and owners that change, %s', (_name, runs, hasOneOrder, start) => {
  test.skipIf(!runs)(
    'owners that open and close at any moment make each increment once, whoever is there',
    async () => {
      const { url } = await running(start())
      const editor = await editedAt<Garage>(url)
      let sum = 0
      let isOver = false
      const owners = async () => {
        for (let turn = 0; turn < 10; turn++) {
          const pt = await openStore<Garage>({ url, name: 'garage', saveOnExit: false })
          const from = sum
          await waitFor(() => sum >= from + 1 + (turn % 3), { what: 'an increment' })
          await pt.$close()
        }
        isOver = true
      }
      /** Asked of an owner that then was another one, and so perhaps done: only where messages have no one order. */
      let inDoubt = 0
      const increments = async () => {
        const ways = new Set<string>()
        while (!isOver) {
          try {
            const { way, value } = await editor.increment('n')
            ways.add(way)
            expect(value - sum - 1).toBeGreaterThanOrEqual(0)
            expect(value - sum - 1).toBeLessThanOrEqual(inDoubt)
            sum = value
            inDoubt = 0
          } catch (error) {
            if (hasOneOrder) throw error
            expect(error).toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
            inDoubt += 1
          }
        }
        return ways
      }
      const [ways] = await Promise.all([increments(), owners()])
      expect(ways).toContain('owner')
      const { n } = (await poolAt(url)) as Garage
      expect(n - sum).toBeGreaterThanOrEqual(0)
      expect(n - sum).toBeLessThanOrEqual(inDoubt)
    },
  )

  test.skipIf(!runs)(
    'an owner whose link breaks before its answer is out is asked again, and has done it once',
    async () => {
      const { url } = await running(start())
      const proxy = await proxied(url)
      const pt = await openedAt<Garage>(proxy.url)
      pt.n = 0
      await pt.save()
      const editor = await editedAt<Garage>(url)
      for (let turn = 1; turn <= 5; turn++) {
        const done = new Promise<void>((resolve) => {
          const forget = pt.$on('change', () => {
            forget()
            resolve()
          })
        })
        proxy.setDelay(30)
        const increment = editor.increment('n')
        await done
        proxy.cut()
        proxy.setDelay(0)
        expect(await increment).toEqual({ way: 'owner', value: turn })
      }
      expect(await poolAt(url)).toEqual({ n: 5 })
    },
  )

  test.skipIf(!runs)(
    'an owner that comes while an editor has no link is asked for what the editor then writes',
    async () => {
      const { url } = await running(start())
      const proxy = await proxied(url)
      const editor = await editedAt<Garage>(proxy.url)
      proxy.setDelay(50)
      const patch = editor.patch({ n: 2 })
      await waitFor(() => proxy.open() === 2, { what: 'the connection on which the editor is to write' })
      proxy.freeze()
      proxy.cut()
      await openedAt<Garage>(url)
      await waitFor(() => retainedAt(url, 'stat/garage/PersistMQTT/owner'), { what: 'the owner to say that it is one' })
      proxy.setDelay(0)
      proxy.thaw()
      expect(await patch).toEqual({ way: 'owner' })
      expect(await poolAt(url)).toEqual({ n: 2 })
    },
  )

  test.skipIf(!runs)('nobody is asked twice where another owner comes instead of the one that was asked', async () => {
    const { url } = await running(start())
    const proxy = await proxied(url)
    const first = await openedAt<Garage>(proxy.url)
    first.n = 1
    await first.save()
    const editor = await editedAt<Garage>(url, { answerTimeoutMs: 60_000 })
    proxy.freeze()
    const increment = editor.increment('n').catch((error) => error)
    const second = await openedAt<Garage>(url)
    const error = await increment
    expect(error).toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
    expect(error.message).toContain('replaced')
    proxy.thaw()
    await waitFor(() => first.$status.state === 'readonly', { what: 'the first one to hear of it', limitMs: 15_000 })
    expect([second.n, await poolAt(url)]).toEqual([1, { n: 1 }])
    expect(await editor.increment('n')).toEqual({ way: 'owner', value: 2 })
  })
})

describe.skipIf(!mosquittoAvailable)('an editor', () => {
  test('a change as large as all that an owner remembers is made once over a slow link', async () => {
    const { url } = await running(startMosquitto())
    const proxy = await proxied(url)
    const pt = await openedAt<{ text: string }>(proxy.url)
    const editor = await editedAt<{ text: string }>(url, { answerTimeoutMs: 60_000 })
    const changed = new Promise<void>((resolve) => pt.$on('change', () => resolve()))
    // The answer comes after the editor has asked once more.
    proxy.setDelay(700)
    const asked = editor.assign({ text: 'x'.repeat(5 * 2 ** 20) })
    await changed
    pt.text = 'what came after'
    await asked
    proxy.setDelay(0)
    await pt.save()
    // What was asked once more has come by then.
    await editor.increment('n' as never)
    expect(pt.text).toBe('what came after')
  })

  test('thousands of increments at once are each made once', async () => {
    const { url } = await running(startMosquitto())
    const pt = await openedAt<Garage>(url)
    const editor = await editedAt<Garage>(url, { answerTimeoutMs: 60_000 })
    const increments = Array.from({ length: 6000 }, () => editor.increment('n'))
    expect(new Set((await Promise.all(increments)).map(({ way }) => way))).toEqual(new Set(['owner']))
    expect(pt.n).toBe(6000)
  })

  test('an editor whose question is under way when the owner dies says that it does not know, and then does without', async () => {
    const { url } = await running(startMosquitto())
    const proxy = await proxied(url)
    const pt = await openedAt<Garage>(proxy.url)
    pt.n = 1
    await pt.save()
    const editor = await editedAt<Garage>(url, { answerTimeoutMs: 500 })
    proxy.freeze()
    const increment = editor.increment('n')
    // As when its process is killed: a connection that ends without a goodbye, and nobody who comes back.
    await proxy.close()
    const error = await increment.catch((error) => error)
    expect(error).toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
    expect(error.message).toContain('may or may not')
    expect(await poolAt(url)).toEqual({ n: 1 })
    expect(await editor.increment('n')).toEqual({ way: 'direct', value: 2 })
  })

  test('an editor whose connection is dead says so in time, and has a new one the next time', async () => {
    const proxy = await proxied((await running(startMosquitto())).url)
    const editor = await editedAt<Garage>(proxy.url, { answerTimeoutMs: 300 })
    expect(await editor.increment('n')).toEqual({ way: 'direct', value: 1 })
    proxy.freeze()
    await expect(editor.increment('n')).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
    proxy.thaw()
    expect(await editor.increment('n')).toEqual({ way: 'direct', value: 2 })
  })
})

describe.skipIf(!mosquittoAvailable)('an editor whose link breaks while it connects', () => {
  test('an editor whose link breaks while it connects goes on to ask the owner', async () => {
    const { url } = await running(startMosquitto())
    const proxy = await proxied(url)
    await openedAt<Garage>(url)
    const editor = await editedAt<Garage>(proxy.url, { protocolVersion: 4 })
    expect(await editor.increment('n')).toEqual({ way: 'owner', value: 1 })
    proxy.cut()
    proxy.setDelay(60)
    const { up } = proxy.bytes()
    const increment = editor.increment('n')
    // CONNECT has less than 100 bytes: this is SUBSCRIBE, which is not answered yet.
    await waitFor(() => proxy.bytes().up > up + 200, { what: 'SUBSCRIBE' })
    proxy.cut()
    proxy.setDelay(0)
    expect(await increment).toEqual({ way: 'owner', value: 2 })
    expect(await editor.increment('n')).toEqual({ way: 'owner', value: 3 })
  })
})

test('an editor whose connections broke while it was opened sees the owner all the same', async () => {
  const broker = await running(startAedes())
  await openedAt<Garage>(broker.url, { protocolVersion: 4 })
  await waitFor(() => retainedAt(broker.url, 'stat/garage/PersistMQTT/owner'), {
    what: 'the owner to say that it is one',
  })
  let breaks = 3
  broker.aedes().on('subscribe', (_subscriptions, client) => {
    if (breaks > 0) client.close()
    breaks -= 1
  })
  const editor = await editedAt<Garage>(broker.url, { protocolVersion: 4 })
  expect(await editor.increment('n', 5)).toEqual({ way: 'owner', value: 5 })
  expect(breaks).toBeLessThan(0)
})
