import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore as openFile } from '../../src/file.ts'
import type { JsonObject } from '../../src/format/json.ts'
import { openStore } from '../../src/index.ts'
import { startAedes } from '../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../helpers/available.ts'
import { withoutRevision } from '../helpers/bytes.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../helpers/mqtt-client.ts'
import { startNats } from '../helpers/nats.ts'
import type { RunningBroker } from '../helpers/running-broker.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor } from '../helpers/wait.ts'

const OLD = '{"counter":3, "from":"an older program"}'
const migrate = { 2: ({ counter = null, ...rest }: JsonObject) => ({ ...rest, count: counter }) }
const options = { name: 'moved', saveOnExit: false, version: 2, migrate }
const TOPIC = 'stat/moved/PersistMQTT'

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>][] = [
  ['Aedes', true, () => startAedes()],
  ['Mosquitto', mosquittoAvailable, () => startMosquitto()],
  ['NATS', natsAvailable, () => startNats()],
]

for (const [name, runs, start] of brokers) {
  describe.skipIf(!runs)(`a pool of an older version on ${name}`, () => {
    test.each([4, 5] as const)(
      'a pool of an older version is kept beside the new one until the next save (protocol %i)',
      async (protocolVersion) => {
        if (protocolVersion === 5 && name !== 'Mosquitto') return
        const broker = await start()
        onTestFinished(() => broker.stop())
        const { url } = broker
        const text = (topic: string) => poolTextAt(url, topic)
        const client = await connectClient(url)
        await client.publishAsync(TOPIC, OLD, { qos: 1, retain: true })
        await client.endAsync()
        const pt = await openStore({ ...options, url, protocolVersion })
        onTestFinished(() => pt.$close().catch(() => {}))
        await pt.save()
        expect(await text(`${TOPIC}/before`)).toBe(OLD)
        expect(JSON.parse((await text(TOPIC)) ?? '')).toEqual({ from: 'an older program', count: 3, $version: 2 })
        pt.count = 4
        await pt.save()
        const gone = async () => (await text(`${TOPIC}/before`)) === undefined || undefined
        await waitFor(gone, { what: 'the copy to be removed' })
      },
    )
  })
}

test.skipIf(!mosquittoAvailable)('a pool is not migrated where its copy may not be written', async () => {
  const broker = await startMosquitto({
    users: { admin: 'a', ann: 'b' },
    acl: [
      'user admin',
      'topic readwrite #',
      'user ann',
      `topic readwrite ${TOPIC}`,
      `topic readwrite ${TOPIC}/fence/#`,
    ],
  })
  onTestFinished(() => broker.stop())
  const { url } = broker
  const client = await connectClient(url, { username: 'admin', password: 'a' })
  onTestFinished(() => void client.end(true))
  await client.publishAsync(TOPIC, OLD, { qos: 1, retain: true })
  const opening = openStore({ ...options, url, username: 'ann', password: 'b', saveTimeoutMs: 2000 })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED', message: expect.stringMatching(/before/) })
  const pt = await openStore({ url, username: 'ann', password: 'b', name: 'moved', saveOnExit: false, readOnly: true })
  expect({ ...pt }).toEqual(JSON.parse(OLD))
  await pt.$close()
})

test('a pool file of an older version is kept beside the new one, with its mode', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'moved.json')
  writeFileSync(file, OLD, { mode: 0o640 })
  const pt = await openFile({ ...options, file })
  await pt.save()
  expect(readFileSync(`${file}.before`, 'utf8')).toBe(OLD)
  expect(statSync(`${file}.before`).mode & 0o777).toBe(0o640)
  expect(JSON.parse(withoutRevision(readFileSync(file, 'utf8')))).toEqual({
    from: 'an older program',
    count: 3,
    $version: 2,
  })
  pt.count = 4
  await pt.save()
  await waitFor(() => !readdirSync(directory).includes('moved.json.before') || undefined, {
    what: 'the copy to be removed',
  })
  await pt.$close()
  expect(readdirSync(directory)).toEqual(['moved.json'])
})
