import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable, natsAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { startNats } from '../../helpers/nats.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import { Cli } from './cli.ts'

async function filled(broker: RunningBroker, pools: Record<string, string>) {
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  for (const [name, text] of Object.entries(pools)) {
    await client.publishAsync(`stat/${name}/PersistMQTT`, text, { qos: 1, retain: true })
  }
  return new Cli(broker.url)
}

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>][] = [
  ['Mosquitto', mosquittoAvailable, () => startMosquitto()],
  ['Aedes', true, () => startAedes()],
  ['NATS', natsAvailable, () => startNats()],
]

describe.each(brokers)('%s', (_name, runs, start) => {
  test.skipIf(!runs)('ls lists pools and who owns them', async () => {
    const broker = await start()
    const cli = await filled(broker, { old: '{"a":1,"b":[2]}', bad: 'no pool', empty: '{}' })
    const pt = await openStore({ url: broker.url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.counter = 5
    await pt.save()
    await startDevice(broker.url, 'dev1', '{"x":1}')
    expect(await cli.run('ls')).toEqual({
      code: 0,
      out: [
        'NAME    VARIABLES  BYTES  ONLINE  OWNER',
        'bad     (no pool)      7  -       -',
        'dev1            1      7  yes     device',
        'empty           0      2  -       -',
        'garage          1     37  yes     program',
        'old             2     15  -       -',
        '',
      ].join('\n'),
      err: `5 pools on ${broker.url}\n`,
    })
    const json = JSON.parse(await cli.out('ls', '--json', 'garage', 'old'))
    expect(json).toEqual({
      broker: broker.url,
      complete: 'yes',
      missing: 0,
      pools: [
        { name: 'garage', variables: 1, bytes: 37, online: true, owner: 'program' },
        { name: 'old', variables: 2, bytes: 15, online: null, owner: 'none' },
      ],
    })
    expect(await cli.run('ls', 'old', 'nowhere')).toMatchObject({
      code: 3,
      err: expect.stringContaining('There is no pool nowhere.'),
    })
  })

  test.skipIf(!runs)('an empty broker has no pools, and says what that may mean', async () => {
    const broker = await start()
    const cli = await filled(broker, {})
    expect(await cli.run('ls')).toEqual({
      code: 0,
      out: '',
      err: `0 pools on ${broker.url}\nNo pool was found at ${broker.url}.\n`,
    })
  })
})

describe.skipIf(!mosquittoAvailable)('get', () => {
  test('get prints a pool, or a value, as it was written', async () => {
    const cli = await filled(await startMosquitto(), {
      garage: '{"counter": 1.0, "text":"a\\"b","map":{"list":[1,{"x":null}]},"a.b":{"c":3},"big":12345678901234567890}',
    })
    for (const [args, out] of [
      [
        ['garage'],
        'counter  1.0\ntext     "a\\"b"\nmap      {"list":[1,{"x":null}]}\na.b      {"c":3}\nbig      12345678901234567890\n',
      ],
      [['garage', 'counter'], '1.0\n'],
      [['garage', 'text'], 'a"b\n'],
      [['garage', 'text', '--json'], '"a\\"b"\n'],
      [['garage', 'map.list[1].x'], 'null\n'],
      [['garage', 'map.list.0'], '1\n'],
      [['garage', 'a.b'], '{"c":3}\n'],
      [['garage', '["a.b"].c'], '3\n'],
      [['garage', 'big'], '12345678901234567890\n'],
      [
        ['garage', '--json'],
        '{"counter": 1.0, "text":"a\\"b","map":{"list":[1,{"x":null}]},"a.b":{"c":3},"big":12345678901234567890}\n',
      ],
    ] as [string[], string][]) {
      expect([args, await cli.out('get', ...args)]).toEqual([args, out])
    }
  })

  test('the revision of a pool is not shown, wherever its writer put it', async () => {
    const cli = await filled(await startMosquitto(), {
      store: '{"$rev":"w.1.abcde<0","a": 1.0}',
      python: '{"a": 1.0, "$rev": "w.1.abcde<0"}',
    })
    expect(await cli.out('get', 'store', '--json')).toBe('{"a": 1.0}\n')
    expect(await cli.out('get', 'python', '--json')).toBe('{"a":1.0}\n')
    expect(await cli.out('get', 'python')).toBe('a  1.0\n')
    expect(await cli.run('get', 'store', '$rev')).toMatchObject({ code: 3 })
    expect(await cli.run('diff', 'store', 'python')).toMatchObject({ code: 0, out: '' })
    const { pools } = JSON.parse(await cli.out('ls', '--json'))
    expect(pools).toMatchObject([{ variables: 1 }, { variables: 1 }])
    expect(await cli.out('export')).not.toContain('$rev')
    expect(await cli.run('set', 'store', '$rev', '"w.2<w.1"')).toMatchObject({
      code: 1,
      err: expect.stringContaining('a pool has its revision there'),
    })
  })

  test('what others have written cannot steer a terminal, in names or values', async () => {
    const pool = JSON.stringify({ 'na\u009bme': '\u001b[31mred', '\u202eevil': ['\u0007', '\u2028'] })
    // Brokers take no control characters in a topic.
    const cli = await filled(await startMosquitto(), { 'ho\u202eme': pool })
    const exact = await cli.out('get', 'ho\u202eme', '--json')
    expect(exact).toBe(`${pool}\n`)
    const everything = [await cli.run('ls'), await cli.run('get', 'ho\u202eme')]
    for (const { code, out, err } of everything) {
      expect(code).toBe(0)
      expect(out + err).not.toMatch(/[\p{Cf}\p{Zl}]|(?!\n)\p{Cc}/u)
    }
  })
})
