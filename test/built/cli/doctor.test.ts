import { describe, expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { type MosquittoOptions, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { startNats } from '../../helpers/nats.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import { Cli } from './cli.ts'

async function started(broker: RunningBroker): Promise<RunningBroker> {
  onTestFinished(() => broker.stop())
  return broker
}

const mosquitto = async (options?: MosquittoOptions) => started(await startMosquitto(options))

/** What is retained, but for what a broker tells about itself. */
async function left(url: string): Promise<string[]> {
  const client = await connectClient(url)
  const topics: string[] = []
  client.on('message', (topic, _payload, { retain }) => void (retain && topics.push(topic)))
  await client.subscribeAsync(['#', 'fence'], { qos: 1 })
  const echo = new Promise<void>((resolve) => client.on('message', (topic) => void (topic === 'fence' && resolve())))
  await client.publishAsync('fence', '', { qos: 1 })
  await echo
  return topics
}

interface Told {
  readonly broker: string
  readonly checks: { readonly name: string; readonly result: string; readonly seen: string; readonly advice?: string }[]
}

/** What it tells, by name: the result, and what was seen. */
async function examined(cli: Cli, ...args: string[]) {
  const { code, out } = await cli.run('doctor', '--json', ...args)
  const { checks } = JSON.parse(out) as Told
  return { code, checks: Object.fromEntries(checks.map(({ name, result, seen }) => [name, `${result}: ${seen}`])) }
}

const GOOD = {
  'client id': 'ok: several connections of this user can be there at a time',
  write: 'ok: a message to ourselves comes back at QoS 1',
  retain: 'ok: a retained message is there for the next connection',
  order: 'ok: what is retained comes before a message to ourselves, 5 of 5 times',
  delay: 'ok: small packets come one right behind the other',
  wildcard: 'ok: pools are found without their names',
  size: 'ok: the broker names no limit; which pools it keeps, persist-mqtt doctor --size tries',
  owner: 'ok: stat/<name>/PersistMQTT/owner can be used',
  presence: 'ok: tele/<name>/LWT can be used',
  requests: 'ok: stat/<name>/PersistMQTT/set/# can be used',
  will: 'ok: the broker tells when the connection of a program is lost',
}
/** Mosquitto as it comes sets no TCP_NODELAY. */
const ON_MOSQUITTO = {
  ...GOOD,
  delay: expect.stringMatching(/^warning: the second of two small packets comes \d+ ms after/),
}

describe('doctor', { timeout: 60_000 }, () => {
  test.skipIf(!mosquittoAvailable)('the doctor reports on Mosquitto as it comes', async () => {
    const { url } = await mosquitto()
    const { code, out, err } = await new Cli(url).run('doctor')
    const lines = out
      .replace(/version [\d.]+, \d+ retained/, 'version X, N retained')
      .replace(/comes \d+ ms/, 'comes N ms')
      .split('\n')
    const { 'client id': clientId, write, retain, order, delay: _, ...others } = GOOD
    const line = ([name, seen]: [string, string]) => `ok       ${name.padEnd(10)}  ${seen.slice(4)}`
    expect([code, err, ...lines]).toEqual([
      0,
      '',
      `ok       link        MQTT 5 at ${url}, not encrypted`,
      ...Object.entries({ 'client id': clientId, write, retain, order }).map(line),
      'warning  delay       the second of two small packets comes N ms after the first',
      '                     → Set set_tcp_nodelay true in mosquitto.conf: over a slow link a save takes half the time then.',
      ...Object.entries(others).map(line),
      'warning  broker      mosquitto version X, N retained messages, 0 dropped',
      '                     → Whether it keeps them on disk cannot be asked. ' +
        'In mosquitto.conf: persistence true, autosave_interval 10.',
      '',
    ])
    expect(await left(url)).toEqual([])
  })

  test.skipIf(!mosquittoAvailable)(
    'the doctor tells where the broker takes the user name for the client id',
    async () => {
      const { url } = await mosquitto({ listenerConfig: ['use_username_as_clientid true'] })
      const cli = new Cli(url, { MQTT_USERNAME: 'ann' })
      const { code, checks } = await examined(cli)
      expect([code, checks['client id']]).toEqual([1, expect.stringMatching(/^failed: .*the user name/)])
      expect((await examined(cli, '--client-id', 'ann')).checks).not.toHaveProperty(['client id'])
    },
  )

  test.each([
    ['Aedes', true, () => startAedes(), /^ok: it tells nothing/],
    ['NATS', natsAvailable, () => startNats(), /^ok: it tells nothing/],
  ] as const)('the doctor reports on %s', async (_name, runs, start, broker) => {
    if (!runs) return
    const { url } = await started(await start())
    expect(await examined(new Cli(url))).toEqual({
      code: 0,
      checks: {
        ...GOOD,
        link: `ok: MQTT 3.1.1 at ${url}, not encrypted`,
        broker: expect.stringMatching(broker),
      },
    })
    expect(await left(url)).toEqual([])
  })

  test.skipIf(!mosquittoAvailable)('the doctor reports on a broker with users who may do less', async () => {
    const users = { reader: 'x', owner: 'x' }
    const pool = 'topic readwrite stat/+/PersistMQTT'
    const acl = ['user reader', 'topic read stat/#', 'user owner', pool, `${pool}/fence/#`]
    const { url } = await mosquitto({ users, acl })
    const as = (user: string) => new Cli(url, { MQTT_USERNAME: user, MQTT_PASSWORD: 'x' })
    const reader = await examined(as('reader'))
    expect(reader.code).toBe(1)
    expect(reader.checks).toMatchObject({
      link: `ok: MQTT 5 at ${url}, not encrypted`,
      write: 'failed: the broker refuses messages of this user',
      retain: 'failed: a retained message is not there for the next connection',
    })
    const owner = await examined(as('owner'))
    expect(owner).toMatchObject({
      code: 0,
      checks: {
        ...ON_MOSQUITTO,
        owner:
          'warning: stat/<name>/PersistMQTT/owner cannot be used, so two owners of one pool do not notice each other',
        presence: 'warning: tele/<name>/LWT cannot be used, so a device of the same name is not seen',
        requests:
          'warning: stat/<name>/PersistMQTT/set/# cannot be used, so a running program cannot be asked for changes',
        will: expect.stringMatching(/^warning: the broker keeps no will/),
      },
    })
  })

  test.skipIf(!mosquittoAvailable).each([
    ['persistence false', 0, { ...ON_MOSQUITTO, size: 'ok: a pool of 16 MB is kept' }],
    ['message_size_limit 70000', 0, { ...ON_MOSQUITTO, size: 'ok: a pool of 64 KB is kept, one of 1 MB is not' }],
    ['message_size_limit 2000', 1, { ...ON_MOSQUITTO, size: 'failed: a pool of 1 KB is kept, one of 64 KB is not' }],
    ['max_packet_size 2000', 1, { ...ON_MOSQUITTO, size: 'failed: a pool of 1 KB is kept, one of 64 KB is not' }],
  ])('the doctor reports on a broker with %s', async (line, code, checks) => {
    const { url } = await mosquitto({ config: [line] })
    expect(await examined(new Cli(url), '--size')).toMatchObject({ code, checks })
    expect(await left(url)).toEqual([])
  })

  test('sizes are tried only where that is asked for, small ones first, and said before', async () => {
    const { url } = await started(await startAedes())
    const client = await connectClient(url)
    const seen: number[] = []
    client.on('message', (_topic, payload) => seen.push(payload.length))
    await client.subscribeAsync('#', { qos: 1 })
    const cli = new Cli(url)
    expect((await cli.run('doctor')).err).toBe('')
    expect(Math.max(...seen)).toBeLessThan(1000)
    seen.length = 0
    const { err } = await cli.run('doctor', '--size')
    expect(err.match(/(?<=A pool of )\d+ .B(?= is published on )/g)).toEqual(['1 KB', '64 KB', '1 MB', '16 MB'])
    expect(seen.filter((size) => size > 1000)).toEqual([1024, 65_536, 2 ** 20, 16 * 2 ** 20])
  })

  test.skipIf(!mosquittoAvailable)('the doctor reports on a broker where nothing can be retained', async () => {
    const { url } = await mosquitto({ config: ['retain_available false'] })
    const { code, checks } = await examined(new Cli(url))
    expect(code).toBe(1)
    expect(checks).toMatchObject({
      write: GOOD.write,
      retain: expect.stringMatching(/^failed: .*no retained messages/),
    })
    expect(checks).not.toHaveProperty('wildcard')
  })

  test.skipIf(!mosquittoAvailable)('the doctor reports on a broker over TLS', async () => {
    const certificates = makeCertificates()
    const { url } = await mosquitto({ certificates })
    const cli = new Cli(url.replace('127.0.0.1', 'localhost'))
    const { code, checks } = await examined(cli, '--ca', certificates.caFile)
    expect([code, checks.link]).toEqual([0, `ok: MQTT 5 at ${url.replace('127.0.0.1', 'localhost')}, with TLS`])
  })

  test.skipIf(!mosquittoAvailable)('the doctor reports on one pool', async () => {
    const { url } = await mosquitto()
    const client = await connectClient(url)
    const put = (name: string, text: string) =>
      client.publishAsync(`stat/${name}/PersistMQTT`, text, { qos: 1, retain: true })
    await put('garage', '{"x":1}')
    await put('bad', 'no pool')
    await startDevice(url, 'dev1', JSON.stringify({ x: 'x'.repeat(1300) }))
    const cli = new Cli(url)
    const pool = async (name: string) => {
      const { code, checks } = await examined(cli, name)
      return [code, checks.pool]
    }
    expect(await pool('garage')).toEqual([
      0,
      'ok: garage has 1 variable in 7 bytes, nobody is seen to own it (a device with a FullTopic of its own cannot be seen)',
    ])
    expect(await pool('bad')).toEqual([1, 'failed: bad has 7 bytes that are no pool'])
    expect(await pool('dev1')).toEqual([1, 'failed: dev1 has 1 variable in 1308 bytes, a device owns it'])
    expect(await pool('nowhere')).toEqual([1, 'failed: nowhere is not there'])
  })

  test.skipIf(!mosquittoAvailable)('the doctor sees that a broker holds small packets back no more', async () => {
    const { url } = await mosquitto({ config: ['set_tcp_nodelay true'] })
    expect((await examined(new Cli(url))).checks.delay).toBe(GOOD.delay)
  })

  test('the doctor says that a broker is not there', async () => {
    const ended = await new Cli('mqtt://127.0.0.1:1').run('doctor')
    expect(ended).toMatchObject({ code: 1, out: '', err: expect.stringContaining('nothing listens on port 1') })
  })
})
