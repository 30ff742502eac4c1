import { describe, expect, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import { editedAt, openedAt, poolAt, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

// Scripts and devices that read a pool, change it, and write it as a whole, when it is another one by then.

const TOPIC = 'stat/garage/PersistMQTT'

const brokers: readonly [name: string, runs: boolean, protocolVersion: 4 | 5, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, 4, () => startAedes()],
  ['Mosquitto, MQTT 3.1.1', mosquittoAvailable, 4, () => startMosquitto()],
  ['Mosquitto, MQTT 5', mosquittoAvailable, 5, () => startMosquitto()],
  ['NATS', natsAvailable, 4, () => startNats()],
]

/** As Python prints it. */
const spaced = (pool: object) => JSON.stringify(pool).replaceAll('":', '": ').replaceAll(',"', ', "')

/** A client that knows nothing of `$rev`. */
async function plainClient(url: string) {
  const client = await connectClient(url)
  return {
    read: async () => JSON.parse((await retainedAt(url, TOPIC))?.payload.toString() ?? '{}'),
    write: (text: string) => client.publishAsync(TOPIC, text, { qos: 1, retain: true }),
  }
}

async function kept(url: string, pool: object): Promise<void> {
  const isKept = async () => {
    expect(await poolAt(url)).toEqual(pool)
    return true
  }
  await waitFor(isKept, { what: `${JSON.stringify(pool)} to be kept` })
}

describe.each(brokers)('%s', (_name, runs, protocolVersion, start) => {
  test.skipIf(!runs)(
    'a script that read the pool before our last save undoes nothing, as Python prints it',
    async () => {
      const { url } = await running(start())
      const script = await plainClient(url)
      const pt = await openedAt(url, { protocolVersion })
      Object.assign(pt, { m: { a: 1 }, y: 0 })
      await pt.save()
      const read = await script.read()
      pt.m = { a: 2 }
      await pt.save()
      await script.write(spaced({ ...read, y: 9 }))
      await kept(url, { m: { a: 2 }, y: 9 })
      expect({ ...pt }).toEqual({ m: { a: 2 }, y: 9 })
    },
  )

  test.skipIf(!runs)('nor what the owner has taken from others, and saved since', async () => {
    const { url } = await running(start())
    const script = await plainClient(url)
    const pt = await openedAt(url, { protocolVersion })
    Object.assign(pt, { x: 'old', y: 0 })
    await pt.save()
    const read = await script.read()
    const editor = await editedAt(url, { protocolVersion })
    await editor.patch({ x: 'new' }, { force: true })
    await waitFor(() => pt.x === 'new', { what: 'the owner to take it' })
    pt.z = 1
    await pt.save()
    await script.write(JSON.stringify({ ...read, y: 1 }))
    await kept(url, { x: 'new', y: 1, z: 1 })
    expect({ ...pt }).toEqual({ x: 'new', y: 1, z: 1 })
  })

  test.skipIf(!runs)('a device that loaded its pool once switches its lamp, and back, between our saves', async () => {
    const { url } = await running(start())
    const device = await plainClient(url)
    const pt = await openedAt(url, { protocolVersion })
    Object.assign(pt, { x: 0, lamp: 0 })
    await pt.save()
    const loaded = await device.read()
    for (const lamp of [1, 0]) {
      const x = pt.x as number
      for (let more = 1; more <= 5; more++) {
        pt.x = x + more
        await pt.save()
      }
      await device.write(JSON.stringify({ ...loaded, lamp }))
      await kept(url, { x: x + 5, lamp })
      expect({ ...pt }).toEqual({ x: x + 5, lamp })
    }
  })
})
