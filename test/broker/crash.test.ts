import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { MqttClient } from 'mqtt'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { atExit } from '../helpers/at-exit.ts'
import { connectClient, retainedAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { waitFor, waitForEvent, within } from '../helpers/wait.ts'
import { bundledProgram, startTestBroker } from './fixture.ts'

let program: string
beforeAll(async () => {
  program = await bundledProgram('broker-program')
})

interface BrokerProcess {
  child: ChildProcess
  lines: string[]
  url: string
  restored: number
  damaged?: string
}

async function spawnBroker(directory: string, fileBlocks?: number): Promise<BrokerProcess> {
  const node = `exec "${process.execPath}" "${program}" "${directory}"`
  const script = fileBlocks === undefined ? node : `ulimit -f ${fileBlocks}; ${node}`
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  atExit(() => child.kill('SIGKILL'))
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  reader.on('line', (line) => lines.push(line))
  await within(once(reader, 'line'), { what: 'the broker to start', limitMs: 10_000 })
  return { child, lines, ...JSON.parse(lines[0] ?? '') }
}

async function killed({ child }: BrokerProcess): Promise<void> {
  const ended = waitForEvent(child, 'exit', { what: 'the end of the broker' })
  child.kill('SIGKILL')
  await ended
}

/** A payload that tells whether it is whole: its digest, then what the digest is of. */
function payloadOf(text: string, bytes: number): Buffer {
  const body = Buffer.alloc(Math.max(bytes, text.length + 1), `${text} `)
  return Buffer.concat([createHash('sha256').update(body).digest(), body])
}

interface Sent {
  payloads: Buffer[]
  acknowledged: number
}

/** Saves at all topics at once, one message after the other at each, until the connection ends. */
async function saveUntilTheEnd(client: MqttClient, round: number, sent: Map<string, Sent>, onAck: () => void) {
  const topics = Array.from({ length: 6 }, (_, index) => `stat/device${index}/PersistMQTT`)
  const worker = async (topic: string) => {
    const record = sent.get(topic) ?? { payloads: [], acknowledged: -1 }
    sent.set(topic, record)
    for (let index = 0; client.connected && index < 2000; index++) {
      const isDeletion = randomInt(10) === 0
      const payload = isDeletion ? Buffer.alloc(0) : payloadOf(`${topic} ${round} ${index}`, randomInt(40_000))
      const number = record.payloads.push(payload) - 1
      await client.publishAsync(topic, payload, { qos: 1, retain: true })
      record.acknowledged = number
      onAck()
    }
  }
  const closed = waitForEvent(client, 'close', { what: 'the end of the connection', limitMs: 20_000 })
  // MQTT.js never settles what is in flight then.
  void Promise.allSettled(topics.map(worker))
  await closed
}

describe('kill -9', () => {
  test('every acknowledged message is there, and whole, after a kill -9 at any moment under a stream of saves', {
    timeout: 120_000,
  }, async () => {
    const directory = temporaryDirectory()
    const sent = new Map<string, Sent>()
    let total = 0
    for (let round = 0; round < 12; round++) {
      const broker = await spawnBroker(directory)
      expect(broker.damaged).toBeUndefined()
      for (const [topic, { payloads, acknowledged }] of sent) {
        const found = (await retainedAt(broker.url, topic))?.payload ?? Buffer.alloc(0)
        const number = payloads.findLastIndex((payload) => payload.equals(found as Buffer))
        expect(number, `${topic} in round ${round}`).toBeGreaterThanOrEqual(acknowledged)
        // What was found is now what counts: it may be later than what was acknowledged, and must not go back.
        sent.set(topic, { payloads: [found as Buffer], acknowledged: 0 })
      }
      const client = await connectClient(broker.url)
      const last = randomInt(1, 500)
      let acks = 0
      const ended = waitForEvent(broker.child, 'exit', { what: 'the end of the broker', limitMs: 20_000 })
      await saveUntilTheEnd(client, round, sent, () => {
        acks += 1
        if (acks === last) broker.child.kill('SIGKILL')
      })
      await ended
      total += acks
    }
    expect(total).toBeGreaterThan(100)
  })

  test('a kill -9 leaves no lock that matters, and a start in between changes nothing', async () => {
    const directory = temporaryDirectory()
    const first = await spawnBroker(directory)
    const client = await connectClient(first.url)
    await client.publishAsync('a', '1', { qos: 1, retain: true })
    await expect(startTestBroker({ directory })).rejects.toMatchObject({
      code: 'ERR_PERSIST_FAILED',
      message: expect.stringContaining(`in use by the process ${first.child.pid}`),
    })
    await killed(first)
    const second = await spawnBroker(directory)
    expect(second.restored).toBe(1)
    await killed(second)
    const third = await startTestBroker({ directory })
    expect((await retainedAt(third.url, 'a'))?.payload.toString()).toBe('1')
  })
})

describe.skipIf(process.platform === 'win32')('a full disk', () => {
  test('is told in a clear message; nothing is acknowledged that is not kept, and small messages go on', async () => {
    const directory = temporaryDirectory()
    // The shell's limit for files: 64 blocks of 512 bytes. Writing beyond it fails as a full disk does.
    const broker = await spawnBroker(directory, 64)
    const client = await connectClient(broker.url)
    await client.publishAsync('kept', Buffer.alloc(20_000, 'a'), { qos: 1, retain: true })

    const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
    let acknowledged = false
    client.publishAsync('kept', Buffer.alloc(20_000, 'b'), { qos: 1, retain: true }).then(
      () => {
        acknowledged = true
      },
      () => {},
    )
    await closed
    expect(acknowledged).toBe(false)
    await waitFor(() => broker.lines.some((line) => /warning: .*retained\.log.*could not be written/.test(line)), {
      what: 'the warning',
    })
    const again = await connectClient(broker.url)
    await again.publishAsync('small', '1', { qos: 1, retain: true })
    expect((await retainedAt(broker.url, 'kept'))?.payload).toEqual(Buffer.alloc(20_000, 'a'))
    await killed(broker)

    const second = await startTestBroker({ directory })
    expect(second).toMatchObject({ restored: 2, damaged: undefined })
    expect((await retainedAt(second.url, 'kept'))?.payload).toEqual(Buffer.alloc(20_000, 'a'))
  })
})
