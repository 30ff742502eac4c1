import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectClient, poolTextAt, retainedAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor, waitForEvent, within } from '../helpers/wait.ts'
import { replaceDatasync, startTestBroker } from './fixture.ts'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

/** Holds back every fdatasync from now on; `release` lets those that wait and all later ones through. */
async function holdDisk(): Promise<{ waiting: () => number; release: () => void }> {
  let waiting = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await replaceDatasync(async (real) => {
    waiting += 1
    await released
    waiting -= 1
    return real()
  })
  onTestFinished(release)
  return { waiting: () => waiting, release }
}

test('what is retained is there after a close and a start, as it was', async () => {
  const directory = join(temporaryDirectory(), 'made', 'by', 'the broker')
  const first = await startTestBroker({ directory })
  expect(first.restored).toBe(0)
  const messages: [topic: string, payload: Buffer, qos: 0 | 1 | 2][] = [
    ['stat/garage/PersistMQTT', Buffer.from('{"counter":1}'), 1],
    ['/leading//empty/', everyByte, 2],
    ['späce and ünïcode 🏡/$SYS', Buffer.alloc(300_000, 'x'), 0],
    ['x'.repeat(60_000), Buffer.from('long topic'), 1],
  ]
  const client = await connectClient(first.url)
  for (const [topic, payload, qos] of messages) await client.publishAsync(topic, payload, { qos, retain: true })
  await client.publishAsync('not/retained', 'x', { qos: 1 })
  // QoS 0 has no acknowledgement of its own; that of a later message from the same client comes after it.
  await client.publishAsync('stat/garage/PersistMQTT', '{"counter":2}', { qos: 1, retain: true })
  await first.close()

  const second = await startTestBroker({ directory })
  expect(second).toMatchObject({ restored: messages.length, damaged: undefined })
  for (const [topic, payload, qos] of messages.slice(1)) {
    const found = await retainedAt(second.url, topic)
    expect(found).toMatchObject({ topic, qos, retain: true })
    expect(payload.equals(found?.payload as Buffer)).toBe(true)
  }
  expect(await poolTextAt(second.url, 'stat/garage/PersistMQTT')).toBe('{"counter":2}')
})

test('an empty payload deletes, now and after a start', async () => {
  const directory = temporaryDirectory()
  const first = await startTestBroker({ directory })
  const client = await connectClient(first.url)
  await client.publishAsync('gone', '1', { qos: 1, retain: true })
  await client.publishAsync('kept', '1', { qos: 1, retain: true })
  await client.publishAsync('gone', '', { qos: 1, retain: true })
  expect(await retainedAt(first.url, 'gone')).toBeUndefined()
  await first.close()
  const second = await startTestBroker({ directory })
  expect(second.restored).toBe(1)
  expect(await retainedAt(second.url, 'gone')).toBeUndefined()
})

test.each([1, 2] as const)('nobody hears of a retained QoS %i message before it is on disk', async (qos) => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory })
  const events: string[] = []
  const subscriber = await connectClient(broker.url)
  subscriber.on('message', (_topic, payload) => events.push(`seen ${payload}`))
  await subscriber.subscribeAsync('#', { qos: 1 })
  const client = await connectClient(broker.url)

  const disk = await holdDisk()
  const saved = client.publishAsync('a', 'saved', { qos, retain: true }).then(() => events.push('acknowledged'))
  await waitFor(() => disk.waiting() === 1, { what: 'the write' })
  // Two round trips, of another client and of a message that needs no disk: ample time for a hasty answer.
  const other = await connectClient(broker.url)
  await other.publishAsync('b', 'passing', { qos: 1 })
  expect(await retainedAt(broker.url, 'a')).toBeUndefined()
  await waitFor(() => events.length > 0, { what: 'the message that needs no disk' })
  expect(events.filter((event) => event !== 'seen ')).toEqual(['seen passing'])

  disk.release()
  await within(saved, { what: 'the acknowledgement' })
  expect((await readFile(join(directory, 'retained.log'))).includes('saved')).toBe(true)
  await waitFor(() => events.includes('seen saved'), { what: 'the message' })
})

test('all that arrives during a write goes to disk together, in its order, and what is not retained stays behind it', async () => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory })
  const seen: string[] = []
  const acknowledged: string[] = []
  const subscriber = await connectClient(broker.url)
  subscriber.on('message', (_topic, payload) => seen.push(payload.toString()))
  await subscriber.subscribeAsync('a', { qos: 1 })
  const client = await connectClient(broker.url)
  const disk = await holdDisk()
  const sent: string[] = []
  const publish = async (qos: 0 | 1, retain: boolean) => {
    const payload = `${sent.length} qos ${qos}${retain ? ' retained' : ''}`
    sent.push(payload)
    await client.publishAsync('a', payload, { qos, retain })
    acknowledged.push(payload)
  }
  const first = publish(1, true)
  await waitFor(() => disk.waiting() === 1, { what: 'the first write' })
  const rest = Array.from({ length: 90 }, (_, index) => publish(index % 3 === 0 ? 0 : 1, index % 2 === 0))
  disk.release()
  await within(Promise.all([first, ...rest]), { what: 'all acknowledgements' })
  await waitFor(() => seen.length === sent.length, { what: 'all messages' })
  expect(seen).toEqual(sent)
  const inOrder = (texts: string[]) => texts.filter((text) => text.includes('qos 1'))
  expect(inOrder(acknowledged)).toEqual(inOrder(sent))
  expect((await retainedAt(broker.url, 'a'))?.payload.toString()).toBe('89 qos 1 retained')
})

test('the will of a client that is there when the broker closes is kept', async () => {
  const directory = temporaryDirectory()
  const first = await startTestBroker({ directory })
  const will = { topic: 'tele/garage/LWT', payload: Buffer.from('Offline'), qos: 1 as const, retain: true }
  const client = await connectClient(first.url, { will })
  await client.publishAsync('tele/garage/LWT', 'Online', { qos: 1, retain: true })
  const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
  await first.close()
  await closed
  const second = await startTestBroker({ directory })
  expect((await retainedAt(second.url, 'tele/garage/LWT'))?.payload.toString()).toBe('Offline')
})

test('a message whose sender is gone before it was on disk is the same for all: on disk, and for subscribers', async () => {
  const directory = temporaryDirectory()
  const broker = await startTestBroker({ directory })
  const client = await connectClient(broker.url)
  const disk = await holdDisk()
  client.publish('a', 'last words', { qos: 1, retain: true }, () => {})
  await waitFor(() => disk.waiting() === 1, { what: 'the write' })
  const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
  client.stream.destroy()
  await closed
  disk.release()
  await waitFor(async () => (await retainedAt(broker.url, 'a')) !== undefined, { what: 'the message' })
  await broker.close()
  const second = await startTestBroker({ directory })
  expect((await retainedAt(second.url, 'a'))?.payload.toString()).toBe('last words')
})
