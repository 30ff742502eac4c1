import { describe, expect, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { editedAt, openedAt, poolAt, proxied, running } from '../helpers/opened-at.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { waitFor } from '../helpers/wait.ts'

// Editors that write the pool themselves, since its owner has no link, or there is none.

const TOPIC = 'stat/garage/PersistMQTT'

const brokers: readonly [name: string, runs: boolean, protocolVersion: 4 | 5, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, 4, () => startAedes()],
  ['Mosquitto, MQTT 3.1.1', mosquittoAvailable, 4, () => startMosquitto()],
  ['Mosquitto, MQTT 5', mosquittoAvailable, 5, () => startMosquitto()],
]

const ownerIsOffline = (url: string) =>
  waitFor(async () => (await retainedAt(url, `${TOPIC}/owner`))?.payload.toString().includes('"online":false'), {
    what: 'the will of the owner',
  })

/** Counts what is published to the pool from now on. */
async function writesAt(url: string): Promise<() => number> {
  let writes = 0
  const client = await connectClient(url)
  client.on('message', (_topic, payload, { retain }) => {
    if (!retain && payload[0] === '{'.charCodeAt(0)) writes += 1
  })
  await client.subscribeAsync(TOPIC, { qos: 1 })
  return () => writes
}

describe.each(brokers)('%s', (_name, runs, protocolVersion, start) => {
  test.skipIf(!runs)(
    'an owner that comes back undoes nothing of what two editors changed one after the other',
    async () => {
      const { url } = await running(start())
      const proxy = await proxied(url)
      const pt = await openedAt(proxy.url, { protocolVersion })
      pt.mode = 'off'
      await pt.save()
      Object.assign(pt, { mode: 'on', fresh: 1, b: 0 })
      await pt.save()
      proxy.freeze()
      proxy.cut()
      await ownerIsOffline(url)
      const one = await editedAt(url, { protocolVersion })
      const other = await editedAt(url, { protocolVersion })
      // Back to what it was, a variable that is new is gone, and something else.
      expect(await one.patch({ mode: 'off', fresh: null })).toEqual({ way: 'direct' })
      expect(await other.patch({ b: 1 })).toEqual({ way: 'direct' })
      proxy.thaw()
      await waitFor(() => pt.$status.state === 'ready' && pt.b === 1, { what: 'the owner to be back' })
      await pt.save()
      expect([{ ...pt }, await poolAt(url)]).toEqual([
        { mode: 'off', b: 1 },
        { mode: 'off', b: 1 },
      ])
    },
  )

  test.skipIf(!runs)('five editors that write at once lose nothing, and each has its turn', async () => {
    const { url } = await running(start())
    const writes = await writesAt(url)
    const editors = await Promise.all([0, 1, 2, 3, 4].map(() => editedAt(url, { protocolVersion })))
    const edits = editors.map(async (editor, index) => {
      for (let turn = 1; turn <= 10; turn++) await editor.patch({ [`of${index}`]: turn, shared: `${index}.${turn}` })
    })
    await Promise.all(edits)
    expect(await poolAt(url)).toMatchObject({ of0: 10, of1: 10, of2: 10, of3: 10, of4: 10 })
    // Of fifty changes; there were thousands where nobody let others go first.
    expect(writes()).toBeLessThan(500)
  })

  test.skipIf(!runs)(
    'an editor and an owner that comes back want the same variable: both have an answer soon',
    async () => {
      const { url } = await running(start())
      const [ownersProxy, editorsProxy] = [await proxied(url), await proxied(url)]
      const pt = await openedAt(ownersProxy.url, { protocolVersion })
      pt.v = 'base'
      await pt.save()
      ownersProxy.freeze()
      ownersProxy.cut()
      await ownerIsOffline(url)
      const editor = await editedAt(editorsProxy.url, { protocolVersion })
      for (const proxy of [ownersProxy, editorsProxy]) proxy.setDelay(20)
      const writes = await writesAt(url)
      pt.v = 'owner'
      const saved = pt.save()
      const edited = editor.patch({ v: 'editor' })
      ownersProxy.thaw()
      await Promise.all([saved, edited])
      await pt.save()
      expect(await poolAt(url)).toEqual({ ...pt })
      expect(writes()).toBeLessThanOrEqual(3)
    },
  )
})
