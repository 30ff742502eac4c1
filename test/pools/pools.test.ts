import type { MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { withoutRevision } from '../../src/format/payload.ts'
import { openStore } from '../../src/index.ts'
import { Pools } from '../../src/pools/pools.ts'
import { restorePool } from '../../src/pools/restore-pools.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type MosquittoOptions, startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { startDevice } from '../helpers/tasmota-device.ts'
import { waitFor } from '../helpers/wait.ts'

async function started(options: MosquittoOptions = {}) {
  const broker = await startMosquitto(options)
  onTestFinished(() => broker.stop())
  return broker.url
}

/** Puts pools of about 300 bytes on a broker. */
async function fill(client: MqttClient, count: number, qos: 0 | 1 = 1): Promise<void> {
  const text = JSON.stringify({ text: 'x'.repeat(280) })
  for (let from = 0; from < count; from += 500) {
    const names = Array.from({ length: Math.min(500, count - from) }, (_, index) => `p${from + index}`)
    await Promise.all(names.map((name) => client.publishAsync(`stat/${name}/PersistMQTT`, text, { qos, retain: true })))
  }
  // At QoS 0 nothing is answered; this is, and comes after all of them.
  await client.publishAsync('filled', '', { qos: 1 })
}

async function listed(pools: Pools) {
  const names = new Set<string>()
  let visits = 0
  const listing = await pools.list((name) => {
    names.add(name)
    visits++
  })
  expect([visits, listing.count]).toEqual([names.size, names.size])
  return { names, ...listing }
}

describe.skipIf(!mosquittoAvailable)('all pools on Mosquitto', () => {
  test.each([4, 5] as const)(
    "10,000 pools are all listed with Mosquitto's default settings (MQTT %i)",
    async (protocolVersion) => {
      const url = await started()
      await fill(await connectClient(url), 10_000)
      const pools = new Pools({ url, protocolVersion })
      expect(await listed(pools)).toMatchObject({ count: 10_000, isComplete: 'yes', missing: 0 })
    },
  )

  test('the list knows how many pools are missing where the broker could queue too few', {
    timeout: 60_000,
  }, async () => {
    // At QoS 0 its limit counts what the connection has not taken yet: 1,000 pools of 30 KB are more than fit there.
    const url = await started({ config: ['max_queued_messages 20'] })
    const client = await connectClient(url)
    const text = JSON.stringify({ text: 'x'.repeat(30_000) })
    for (let index = 0; index < 1000; index++) {
      await client.publishAsync(`stat/p${index}/PersistMQTT`, text, { qos: 1, retain: true })
    }
    const { count, isComplete, missing } = await listed(new Pools({ url }))
    expect(isComplete).toBe('no')
    // A fence of ours may have been dropped too.
    expect([1000, 1001, 1002]).toContain(count + missing)
  })

  test('of many that were published at QoS 0 the broker says itself whether any was dropped', async () => {
    const url = await started({ config: ['sys_interval 1'] })
    await fill(await connectClient(url), 1500, 0)
    expect(await listed(new Pools({ url }))).toMatchObject({ count: 1500, isComplete: 'yes' })
  })

  test('nobody knows how many pools are missing where the broker does not say so', async () => {
    const url = await started({ config: ['sys_interval 0'] })
    await fill(await connectClient(url), 1500, 0)
    expect(await listed(new Pools({ url }))).toMatchObject({ count: 1500, isComplete: 'unknown', why: 'silent' })
  })

  test('nobody knows how many pools of QoS 0 are missing where the broker has dropped some', {
    timeout: 60_000,
  }, async () => {
    const url = await started({ config: ['sys_interval 1', 'max_queued_messages 20'] })
    const client = await connectClient(url)
    const text = JSON.stringify({ text: 'x'.repeat(20_000) })
    for (let index = 0; index < 1500; index++) {
      await client.publishAsync(`stat/p${index}/PersistMQTT`, text, { qos: 0, retain: true })
      // It is read as fast as it is sent.
      if (index % 100 === 0) await client.publishAsync('filled', '', { qos: 1 })
    }
    await client.publishAsync('filled', '', { qos: 1 })
    const { count, isComplete, why } = await listed(new Pools({ url }))
    expect([count < 1500, isComplete, why]).toEqual([true, 'unknown', 'dropped'])
  })

  test('a reader who may send no fence is told that something may be missing', async () => {
    const users = { ann: 'secret', admin: 'secret' }
    const acl = ['user ann', 'topic read stat/#', 'user admin', 'topic readwrite #']
    const url = await started({ users, acl })
    await fill(await connectClient(url, { username: 'admin', password: 'secret' }), 10)
    const pools = new Pools({ url, username: 'ann', password: 'secret' })
    expect(await listed(pools)).toMatchObject({ count: 10, isComplete: 'unknown', why: 'fence' })
  })

  test('a pool is replaced byte for byte, and deleted', async () => {
    const url = await started()
    const pools = new Pools({ url })
    const bytes = new TextEncoder().encode('{"x": 1.0, "big":12345678901234567890}')
    expect(await restorePool(pools, 'garage', bytes)).toBe('direct')
    const held = await pools.read('garage')
    expect([held.bytes && withoutRevision(held.bytes), held.owner]).toEqual([bytes, 'none'])
    await pools.delete('garage')
    expect(await pools.read('garage')).toEqual({ bytes: null, owner: 'none' })
  })

  test('a pool that may not be deleted is an error', async () => {
    const users = { ann: 'secret', admin: 'secret' }
    const acl = [
      'user ann',
      'topic read stat/#',
      'topic readwrite stat/persist-mqtt/#',
      'user admin',
      'topic readwrite #',
    ]
    const url = await started({ users, acl })
    await fill(await connectClient(url, { username: 'admin', password: 'secret' }), 1)
    const pools = new Pools({ url, username: 'ann', password: 'secret', protocolVersion: 4 })
    await expect(pools.delete('p0')).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
  })
})

test('a topic in which pools cannot be told apart is refused', () => {
  for (const topic of ['stat/garage', 'stat/{name}-pool', 'stat/{name}/{name}', '+/{name}/x']) {
    expect(() => new Pools({ topic })).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_OPTION' }))
  }
})

describe.skipIf(!mosquittoAvailable)('one pool', () => {
  test('a pool is listed with its owner, also where several are read at the same time', async () => {
    const url = await started()
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.a = 1
    await pt.save()
    await waitFor(() => retainedAt(url, 'stat/garage/PersistMQTT/owner'), { what: 'the owner to say that it is one' })
    await startDevice(url, 'dev1', '{"x":1}')
    const pools = new Pools({ url })
    const names = ['garage', 'dev1', 'attic', 'garage', 'dev1', 'attic']
    const found = await Promise.all(names.map((name) => pools.read(name)))
    expect(found.map(({ owner }) => owner)).toEqual(['program', 'device', 'none', 'program', 'device', 'none'])
  })

  test.each(['+', '#', 'a#b', 'a+', '\0', ''])('cannot be called %j, which would stand for others', async (name) => {
    // No broker is there: it is not even asked.
    const pools = new Pools({ url: 'mqtt://127.0.0.1:1' })
    for (const asked of [pools.read(name), pools.delete(name), pools.list(() => {}, ['garage', name])]) {
      await expect(asked).rejects.toMatchObject({ code: 'ERR_PERSIST_OPTION' })
    }
  })
})

test('on Aedes, which lets a fence pass between them, all pools and owners are there', {
  timeout: 60_000,
}, async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const { url } = broker
  const client = await connectClient(url)
  const pools = new Pools({ url })
  for (const count of [3, 50, 1000]) {
    await fill(client, count)
    await client.publishAsync(`tele/p${count - 1}/LWT`, 'Online', { qos: 1, retain: true })
    for (let run = 0; run < 10; run++) {
      expect(await listed(pools)).toMatchObject({ count, isComplete: 'yes' })
      expect(pools.owners.of(`p${count - 1}`)).toBe('device')
      expect((await pools.read(`p${count - 1}`)).owner).toBe('device')
    }
  }
})
