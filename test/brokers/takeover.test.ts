import { describe, expect, onTestFinished, test } from 'vitest'
import type { PersistError, StoreOptions } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startDelayProxy } from '../helpers/delay-proxy.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { openedAt, proxied, running } from '../helpers/opened-at.ts'
import { heard } from '../helpers/opened-store.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

interface Garage {
  counter: number
  tones: number[]
  old?: number
}

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>, version: 4 | 5][] = [
  ['Aedes', true, () => startAedes(), 4],
  ['Mosquitto, MQTT 5', mosquittoAvailable, () => startMosquitto(), 5],
  ['Mosquitto, MQTT 3.1.1', mosquittoAvailable, () => startMosquitto(), 4],
  ['NATS', natsAvailable, () => startNats(), 4],
]

async function throughProxy(start: () => Promise<RunningBroker>) {
  const broker = await running(start())
  return { broker, proxy: await proxied(broker.url) }
}

async function watched(url: string, options: StoreOptions<Garage> = {}) {
  const pt = await openedAt<Garage>(url, options)
  const errors = heard(pt, 'error')
  const states: string[] = []
  pt.$on('status', ({ state }) => states.push(state))
  return {
    pt,
    errors,
    states,
    taken: () => waitFor(() => pt.$status.state === 'readonly', { what: 'the store to be taken over' }),
    back: () => waitFor(() => pt.$status.state === 'ready', { what: 'the store to be back', limitMs: 8000 }),
  }
}

async function presence(url: string): Promise<unknown> {
  return (await retainedAt(url, 'tele/garage/LWT'))?.payload.toString()
}

function waitForPresence(url: string, text: string): Promise<unknown> {
  return waitFor(async () => (await presence(url)) === text, { what: `tele/garage/LWT to be ${text}` })
}

for (const [name, runs, start, protocolVersion] of brokers) {
  describe.skipIf(!runs)(`two owners of one pool: ${name}`, () => {
    test('a second owner takes the pool over: the first one tells, stops, and has what it could not save', async () => {
      const { broker, proxy } = await throughProxy(start)
      const first = await watched(proxy.url, { protocolVersion })
      first.pt.counter = 1
      first.pt.old = 1
      await first.pt.save()
      first.pt.tones = [600]
      delete first.pt.old
      const second = await watched(proxy.url, { protocolVersion })
      await first.taken()

      expect(first.errors).toHaveLength(1)
      const [error] = first.errors as [PersistError]
      expect(error).toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER', message: expect.stringContaining("'garage'") })
      expect(error.unsaved).toEqual({ tones: [600], old: undefined })
      expect([Object.isFrozen(error.unsaved), Object.isFrozen(error.unsaved?.tones)]).toEqual([true, true])
      expect(first.pt.$snapshot()).toEqual({ counter: 1, tones: [600] })
      expect(first.pt.$status).toMatchObject({ state: 'readonly', unsaved: true, error })
      expect(() => (first.pt.counter = 2)).toThrow(error)
      await expect(first.pt.save()).rejects.toThrow(error)

      second.pt.counter = 3
      await second.pt.save()
      // The first one's, the second one's, and the one with which the first found out.
      expect(proxy.connections()).toBeLessThanOrEqual(3)
      await waitFor(() => proxy.open() === 1, { what: 'the connection of the first one to be gone' })
      expect([second.errors, second.states]).toEqual([[], []])
      await first.pt.$close()
      expect(await presence(broker.url)).toBe('Online')
      expect(await poolTextAt(broker.url, 'stat/garage/PersistMQTT')).toBe('{"counter":3,"old":1}')
    })

    test('a save that waits for the link is rejected with what took the pool away', async () => {
      const { broker, proxy } = await throughProxy(start)
      const first = await watched(proxy.url, { protocolVersion })
      first.pt.counter = 1
      await first.pt.save()
      proxy.freeze()
      proxy.cut()
      await waitFor(() => first.pt.$status.state === 'offline', { what: 'the link to be missed' })
      first.pt.counter = 2
      const saving = first.pt.save()
      const second = await watched(broker.url, { protocolVersion })
      await waitForPresence(broker.url, 'Online')
      proxy.thaw()
      await expect(saving).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER', unsaved: { counter: 2 } })
      expect(first.states.slice(-1)).toEqual(['readonly'])
      expect(second.pt.counter).toBe(1)
    })

    test('a lost link is no takeover: the owner comes back as what it was, and can be taken over then', async () => {
      const { broker, proxy } = await throughProxy(start)
      const first = await watched(proxy.url, { protocolVersion })
      for (const counter of [1, 2]) {
        proxy.cut()
        await waitFor(() => first.states.at(-1) === 'offline', { what: 'the link to be missed' })
        await first.back()
        first.pt.counter = counter
        await first.pt.save()
        await waitForPresence(broker.url, 'Online')
      }
      expect(first.errors).toEqual([])
      const second = await watched(proxy.url, { protocolVersion })
      await first.taken()
      expect(second.pt.counter).toBe(2)
      // Two owners, two lost links. The takeover costs none, since its claim is seen at once: after a lost link an owner
      // has another client id.
      expect(proxy.connections()).toBe(4)
    })

    test('a new owner on a slow line is not pushed out by the one before, which is back sooner', async () => {
      const { broker, proxy } = await throughProxy(start)
      const slow = await startDelayProxy({ target: broker.url, delayMs: 300 })
      onTestFinished(() => slow.close())
      const first = await watched(proxy.url, { protocolVersion })
      const second = await watched(slow.url, { protocolVersion })
      await first.taken()
      await waitFor(() => proxy.open() === 0, { what: 'the first one to be gone' })
      expect([first.errors.length, second.errors, second.states]).toEqual([1, [], []])
      // One more on a busy machine; two that push each other out would go on.
      expect(proxy.connections() + slow.connections()).toBeLessThan(6)
    })

    test('of owners that open at the same moment one is left', async () => {
      const { broker, proxy } = await throughProxy(start)
      const stores = await Promise.all(Array.from({ length: 3 }, () => watched(proxy.url, { protocolVersion })))
      const owners = () => stores.filter(({ pt }) => pt.$status.state === 'ready')
      const isOneLeft = () => owners().length === 1 && proxy.open() === 1
      await waitFor(isOneLeft, { what: 'one owner to be left' }).catch((error) => {
        const now = stores.map(({ pt, states, errors }) => [pt.$status.state, states, errors.map(({ code }) => code)])
        throw new Error(JSON.stringify([now, proxy.open(), proxy.connections()]), { cause: error })
      })
      const [owner] = owners()
      if (owner === undefined) throw new Error('there is no owner left')
      owner.pt.counter = 1
      await owner.pt.save()
      await waitForPresence(broker.url, 'Online')
    })

    test('a store that only reads takes nothing over', async () => {
      const { proxy } = await throughProxy(start)
      const owner = await watched(proxy.url, { protocolVersion })
      const reader = await watched(proxy.url, { protocolVersion, readOnly: true })
      owner.pt.counter = 1
      await owner.pt.save()
      await waitFor(() => reader.pt.counter === 1, { what: 'the change to be seen' })
      expect([proxy.connections(), owner.states, reader.errors]).toEqual([2, [], []])
    })

    test.each(['', 'Offline'])(
      'tele/<name>/LWT is Online as long as it is open, and then "%s" again; nothing else is left',
      async (before) => {
        const { broker } = await throughProxy(start)
        const client = await connectClient(broker.url)
        if (before !== '') await client.publishAsync('tele/garage/LWT', before, { qos: 1, retain: true })
        const heard: string[] = []
        client.on('message', (_, payload) => heard.push(payload.toString()))
        const { pt } = await watched(broker.url, { protocolVersion })
        await waitForPresence(broker.url, 'Online')
        expect((await retainedAt(broker.url, 'stat/garage/PersistMQTT/owner'))?.payload.toString()).toMatch(/"session"/)
        await client.subscribeAsync('tele/garage/LWT', { qos: 1 })
        await waitFor(() => heard.at(-1) === 'Online', { what: 'to be heard' })
        await pt.$close()
        // Whoever listens is told that it is gone.
        const expected = ['Online', 'Offline', ...(before === '' ? [''] : [])]
        await waitFor(() => heard.length === expected.length, { what: 'tele/garage/LWT to be as it was' })
        expect([heard, (await presence(broker.url)) ?? '']).toEqual([expected, before])
        expect(await retainedAt(broker.url, 'stat/garage/PersistMQTT/owner')).toBeUndefined()
      },
    )
  })
}
