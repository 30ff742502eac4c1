import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../../src/index.ts'
import { runProgram } from '../../../built/run-program.ts'
import { startAedes } from '../../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../../helpers/available.ts'
import { startDelayProxy } from '../../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../../helpers/mqtt-client.ts'
import { startNats } from '../../../helpers/nats.ts'
import { running } from '../../../helpers/opened-at.ts'
import type { RunningBroker } from '../../../helpers/running-broker.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { newTopic, openBackend } from '../fixture.ts'

async function retainedText(url: string, topic: string): Promise<string | undefined> {
  return (await retainedAt(url, topic))?.payload.toString()
}

function waitForText(url: string, topic: string, text: string): Promise<unknown> {
  return waitFor(async () => (await retainedText(url, topic)) === text, { what: `${topic} to be ${text}` })
}

describe('another process', () => {
  const servers = [
    { name: 'Mosquitto', available: mosquittoAvailable, start: startMosquitto },
    { name: 'NATS', available: natsAvailable, start: startNats },
    { name: 'Aedes', available: true, start: startAedes },
  ] as const
  for (const { name, available, start } of servers) {
    test.skipIf(!available)(
      `another process takes the pool over; killed, it is lost, and the pool can be taken back: ${name}`,
      async () => {
        const broker = await running<RunningBroker>(start())
        const directory = temporaryDirectory()
        const program = join(directory, 'owner-program.cjs')
        const entry = new URL('owner-program.ts', import.meta.url).pathname
        await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile: program })
        const options = { url: broker.url, name: 'shared', saveOnExit: false }

        const first = await openStore(options)
        onTestFinished(() => first.$close())
        const codes: string[] = []
        const topic = 'stat/shared/PersistMQTT/owner'
        first.$on('error', ({ code }) => codes.push(code))
        const other = runProgram(program, [broker.url, 'shared'], directory)
        await other.says(/saved/)
        await waitFor(() => first.$status.state === 'readonly', { what: 'the first one to be told' })
        await waitForText(broker.url, 'tele/shared/LWT', 'Online')
        await other.kill('SIGKILL')
        await waitFor(async () => (await retainedText(broker.url, topic))?.includes('"online":false'), {
          what: 'the broker to tell that the owner is lost',
        })

        const again = await openStore<{ starts: number }>(options)
        onTestFinished(() => again.$close())
        again.$on('error', ({ code }) => codes.push(code))
        expect([again.starts, codes, other.stdout()]).toEqual([1, ['ERR_PERSIST_TAKEN_OVER'], 'saved\n'])
        await waitForText(broker.url, 'tele/shared/LWT', 'Online')

        const next = runProgram(program, [broker.url, 'shared'], directory)
        await next.says(/saved/)
        // If it were gone before the one before had heard of it, that one would go on as the owner.
        await waitFor(() => again.$status.state === 'readonly', { what: 'the one before to be told' })
        expect(await next.kill('SIGTERM')).toBe('SIGTERM')
        await waitFor(async () => (await retainedText(broker.url, topic)) === undefined, { what: 'the goodbye' })
      },
    )
  }
})

/** A proxy that says what newer brokers do when the same client id comes again: DISCONNECT with reason code 0x8E. */
async function sayingTakenOver(port: number): Promise<string> {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => client.write(chunk))
    client.on('error', () => {}).on('close', () => upstream.destroy())
    upstream.on('error', () => {}).on('close', () => client.writable && client.end(Buffer.of(0xe0, 1, 0x8e)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.skipIf(!mosquittoAvailable)(
  'where a broker says 0x8E, the owner comes back once to see whether it was another owner',
  async () => {
    const broker = await running(startMosquitto())
    const topic = newTopic()
    const proxy = await startDelayProxy({ target: await sayingTakenOver(broker.port) })
    onTestFinished(() => proxy.close())
    const owner = { url: proxy.url, topic, role: 'owner', protocolVersion: 5 } as const
    const first = await openBackend(owner)
    const second = await openBackend(owner)
    await first.wait('ended')
    expect(first.told).toEqual([
      { offline: expect.objectContaining({ code: 'ERR_PERSIST_CONNECT', received: 0x8e }) },
      { ended: expect.objectContaining({ code: 'ERR_PERSIST_TAKEN_OVER' }) },
    ])
    await expect(first.write('{"a":1}')).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER' })
    expect(await second.write('{"a":2}')).toBe('written')
    expect([proxy.connections(), second.told]).toEqual([3, []])
  },
)

describe('what is told', () => {
  test('an owner tells again that it is one when the will of a dead connection comes late, or somebody deletes that', async () => {
    const { url } = await running(startAedes())
    const topic = newTopic()
    const { told } = await openBackend({ url, topic, name: 'told', role: 'owner' })
    await waitForText(url, 'tele/told/LWT', 'Online')
    const client = await connectClient(url)
    await client.publishAsync('tele/told/LWT', 'Offline', { qos: 1, retain: true })
    await waitForText(url, 'tele/told/LWT', 'Online')
    const session = await retainedText(url, `${topic}/owner`)
    await client.publishAsync(`${topic}/owner`, '', { qos: 1, retain: true })
    await waitForText(url, `${topic}/owner`, session ?? '')
    expect(told).toEqual([])
  })

  test('an owner tells again that it is one over what is older, or was written by nobody who owns a pool', async () => {
    const { url } = await running(startAedes())
    const topic = newTopic()
    const { told } = await openBackend({ url, topic, role: 'owner' })
    const session = await waitFor(() => retainedText(url, `${topic}/owner`), { what: 'the session' })
    const client = await connectClient(url)
    const odd = [
      '{"session":"ffff","since":1}',
      'hello',
      'null',
      '{"session":"ffff","since":1e300}',
      'x'.repeat(10_000),
    ]
    for (const text of odd) {
      await client.publishAsync(`${topic}/owner`, text, { qos: 1, retain: true })
      await waitForText(url, `${topic}/owner`, session)
    }
    expect(told).toEqual([])
  })

  test('a broker that comes back with the session of an owner long gone takes nothing away', async () => {
    const broker = await running(startAedes())
    const proxy = await startDelayProxy({ target: broker.url })
    onTestFinished(() => proxy.close())
    const topic = newTopic()
    const { wait, told } = await openBackend({ url: proxy.url, topic, role: 'owner' })
    const session = await waitFor(() => retainedText(broker.url, `${topic}/owner`), { what: 'the session' })
    proxy.freeze()
    proxy.cut()
    await wait('offline')
    const client = await connectClient(broker.url)
    await client.publishAsync(`${topic}/owner`, '{"session":"ffff","since":1}', { qos: 1, retain: true })
    proxy.thaw()
    await wait('online')
    await waitForText(broker.url, `${topic}/owner`, session)
    expect(told).toHaveLength(2)
  })

  test('an owner comes after the one before it, whatever the clock of that one says', async () => {
    const { url } = await running(startAedes())
    const topic = newTopic()
    const client = await connectClient(url)
    const since = Date.now() + 1e9
    await client.publishAsync(`${topic}/owner`, JSON.stringify({ session: 'ffff', since }), { qos: 1, retain: true })
    const { told } = await openBackend({ url, topic, role: 'owner' })
    await waitFor(async () => (await retainedText(url, `${topic}/owner`))?.includes(`"since":${since + 1}`), {
      what: 'the new owner to tell',
    })
    await client.publishAsync(`${topic}/owner`, JSON.stringify({ session: 'ffff', since: since + 2 }), { qos: 1 })
    await waitFor(() => told.some((entry) => 'ended' in entry), { what: 'the end' })
  })

  test('an owner tells again that it is one after the broker has lost that', async () => {
    const broker = await running(startAedes())
    const topic = newTopic()
    const { wait } = await openBackend({ url: broker.url, topic, name: 'told', role: 'owner' })
    await waitForText(broker.url, 'tele/told/LWT', 'Online')
    const session = await retainedText(broker.url, `${topic}/owner`)
    await broker.restart()
    await wait('online')
    await waitForText(broker.url, 'tele/told/LWT', 'Online')
    await waitForText(broker.url, `${topic}/owner`, session ?? '')
  })
})

/** Two owners where they cannot hear of each other: both work, and nobody is pushed out again and again. */
async function workTogether(url: string, login: { username?: string; password?: string } = {}): Promise<void> {
  const proxy = await startDelayProxy({ target: url })
  onTestFinished(() => proxy.close())
  const owner = { url: proxy.url, topic: newTopic(), name: 'unheard', role: 'owner', ...login } as const
  const first = await openBackend(owner)
  await first.write('{"a":1}')
  await openBackend(owner)
  await first.wait('offline')
  await first.wait('online')
  const { length } = first.told
  const before = proxy.connections()
  for (const count of [1, 2, 3, 4, 5]) expect(await first.write(`{"a":1,"count":${count}}`)).toBe('written')
  expect(first.told.slice(length)).toEqual([])
  expect(proxy.connections()).toBe(before)
}

describe('a broker that lets an owner read and write the pool only', () => {
  test.skipIf(!mosquittoAvailable)('an owner works at a broker that drops all but the pool in silence', async () => {
    const acl = ['user ann', 'topic readwrite stat/+/PersistMQTT', 'topic readwrite stat/+/PersistMQTT/fence/#']
    const { url } = await running(startMosquitto({ users: { ann: 'b' }, acl }))
    await workTogether(url, { username: 'ann', password: 'b' })
  })

  test('an owner works at a broker that refuses the subscription to all but the pool', async () => {
    const { url } = await running(
      startAedes({
        authorizeSubscribe: (_client, subscription, done) => {
          done(null, /owner$|LWT$/.test(subscription.topic) ? null : subscription)
        },
      }),
    )
    await workTogether(url)
  })

  test("an owner works at a broker that closes at each message on another topic than the pool's", async () => {
    const { url } = await running(
      startAedes({
        authorizePublish: (_client, { topic }, done) => done(/owner$|LWT$/.test(topic) ? new Error('no') : null),
      }),
    )
    const { write, told } = await openBackend({ url, name: 'unheard', role: 'owner' })
    // Twice it may be chance; then the owner keeps quiet.
    await waitFor(() => told.filter((entry) => 'online' in entry).length === 2, { what: 'to be back', limitMs: 8000 })
    for (const count of [1, 2, 3, 4, 5]) expect(await write(`{"count":${count}}`)).toBe('written')
    expect(told).toHaveLength(4)
  })

  test("an owner works at a broker that refuses a connection with a will on another topic than the pool's", async () => {
    const withWill = new WeakSet<object>()
    const { url } = await running(
      startAedes({
        preConnect: (client, packet, done) => {
          if ('will' in packet && packet.will !== undefined) withWill.add(client)
          done(null, true)
        },
        authenticate: (client, _user, _password, done) => {
          const refusal = Object.assign(new Error('no'), { returnCode: 5 })
          if (withWill.has(client)) done(refusal as Parameters<typeof done>[0], false)
          else done(null, true)
        },
      }),
    )
    const { write } = await openBackend({ url, name: 'unheard', role: 'owner' })
    expect(await write('{"a":1}')).toBe('written')
  })
})
