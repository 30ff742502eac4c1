import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../../src/index.ts'
import { Pools } from '../../../../src/pools/pools.ts'
import { startAedes } from '../../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../../helpers/available.ts'
import { withoutRevision } from '../../../helpers/bytes.ts'
import { startDelayProxy } from '../../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../../helpers/mqtt-client.ts'
import { startNats } from '../../../helpers/nats.ts'
import { editedAt, running } from '../../../helpers/opened-at.ts'
import type { RunningBroker } from '../../../helpers/running-broker.ts'
import { startDevice } from '../../../helpers/tasmota-device.ts'
import { waitFor } from '../../../helpers/wait.ts'

const lwtIs = (url: string, text: string) =>
  waitFor(async () => (await retainedAt(url, 'tele/dev1/LWT'))?.payload.toString() === text, { what: text })
const servers = [
  { name: 'Mosquitto', available: mosquittoAvailable, start: startMosquitto },
  { name: 'NATS', available: natsAvailable, start: startNats },
  { name: 'Aedes', available: true, start: startAedes },
] as const
const ownerAt = async (url: string) => {
  const pools = new Pools({ url })
  await pools.list(() => {}, ['dev1'])
  return [pools.owners.of('dev1'), pools.owners.isOnline('dev1')]
}
/** What everybody is told who asks: the owner, and whether that is online. */
const becomes = (url: string, owner: string, isOnline: boolean | undefined) =>
  waitFor(async () => String(await ownerAt(url)) === String([owner, isOnline]), { what: `${owner} to own the pool` })

for (const { name, available, start } of servers) {
  test.skipIf(!available)(
    `an owner never writes the LWT of a device, neither while it is open nor closed nor lost: ${name}`,
    async () => {
      const broker = await running<RunningBroker>(start())
      const { url } = broker
      const device = await startDevice(url, 'dev1', '{"n":1}')
      const client = await connectClient(url)
      const heard: string[] = []
      client.on('message', (_, payload, { retain }) => void (retain || heard.push(payload.toString())))
      await client.subscribeAsync('tele/dev1/LWT', { qos: 1 })

      const first = await openStore({ url, name: 'dev1' })
      await becomes(url, 'program', true)
      await first.$close()
      await becomes(url, 'device', true)

      const proxy = await startDelayProxy({ target: url })
      onTestFinished(() => proxy.close())
      const second = await openStore({ url: proxy.url, name: 'dev1' })
      onTestFinished(() => second.$close())
      await becomes(url, 'program', true)
      proxy.freeze()
      proxy.cut()
      await becomes(url, 'device', true)
      expect(heard).toEqual([])
      await device.switchOff()
      await client.publishAsync('tele/dev1/LWT', 'Offline', { qos: 1, retain: true })
      await becomes(url, 'none', false)
    },
  )
}

test('an owner that was there first leaves the LWT to a device that comes', async () => {
  const { url } = await running(startAedes())
  const pt = await openStore({ url, name: 'dev1' })
  await lwtIs(url, 'Online')
  await startDevice(url, 'dev1', '{"n":1}')
  await waitFor(async () => (await retainedAt(url, 'stat/dev1/PersistMQTT/owner'))?.payload.includes('device'), {
    what: 'the owner to have seen the device',
  })
  await pt.$close()
  await becomes(url, 'device', true)
})

/** An owner of the pool has saved, and was lost without a goodbye. */
async function afterKilledOwner(url: string): Promise<void> {
  const proxy = await startDelayProxy({ target: url })
  onTestFinished(() => proxy.close())
  const killed = await openStore({ url: proxy.url, name: 'dev1', defaults: { n: 1 } })
  onTestFinished(() => killed.$close())
  await killed.save()
  await lwtIs(url, 'Online')
  proxy.freeze()
  proxy.cut()
  await becomes(url, 'none', false)
}

test('an owner that was killed leaves no device behind, and the next one puts that right', async () => {
  const { url } = await running(startAedes())
  await afterKilledOwner(url)
  const next = await openStore({ url, name: 'dev1' })
  await becomes(url, 'program', true)
  await next.$close()
  await becomes(url, 'none', false)
})

for (const { name, available, start } of servers) {
  test.skipIf(!available)(
    `a device that comes after an owner was killed is no leftover of that, and keeps its LWT: ${name}`,
    async () => {
      const { url } = await running<RunningBroker>(start())
      await afterKilledOwner(url)
      await startDevice(url, 'dev1', '{"n":2}')
      await becomes(url, 'device', true)
      const editor = await editedAt(url, { name: 'dev1' })
      await expect(editor.patch({ n: 3 })).rejects.toMatchObject({ code: 'ERR_PERSIST_NO_ANSWER' })
      const next = await openStore({ url, name: 'dev1' })
      await becomes(url, 'program', true)
      await next.$close()
      await becomes(url, 'device', true)
      await lwtIs(url, 'Online')
    },
  )
}

test('an editor writes at once where a device waits for its first pool', async () => {
  const { url } = await running(startAedes())
  const device = await connectClient(url)
  const heard: string[] = []
  device.on('message', (_, payload) => heard.push(payload.toString()))
  await device.subscribeAsync('stat/garage/PersistMQTT')
  await device.publishAsync('tele/garage/LWT', 'Online', { qos: 1, retain: true })
  const editor = await editedAt(url)
  expect(await editor.patch({ counter: 2 })).toEqual({ way: 'direct' })
  // What is no object it does not take.
  const pools = () => heard.filter((text) => text.startsWith('{')).map(withoutRevision)
  await waitFor(() => pools().length > 0, { what: 'the pool' })
  expect(pools()).toEqual(['{"counter":2}'])
})
