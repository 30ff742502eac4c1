import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { startAedes } from '../../helpers/aedes.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { withoutRevision } from '../../helpers/bytes.ts'
import { type MosquittoOptions, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import type { RunningBroker } from '../../helpers/running-broker.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from './cli.ts'

const topicOf = (name: string) => `stat/${name}/PersistMQTT`

async function filled(broker: RunningBroker, pools: Record<string, string | Buffer>) {
  onTestFinished(() => broker.stop())
  const { url } = broker
  const client = await connectClient(url)
  const put = (name: string, text: string | Buffer) =>
    client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  for (const [name, text] of Object.entries(pools)) await put(name, text)
  const cli = new Cli(url)
  const kept = (name: string) => poolTextAt(url, topicOf(name))
  return { url, cli, kept, put, file: (name: string) => join(cli.home, name) }
}

const mosquitto = async (pools: Record<string, string | Buffer>, options?: MosquittoOptions) =>
  filled(await startMosquitto(options), pools)

const brokers: readonly [name: string, runs: boolean, start: () => Promise<RunningBroker>][] = [
  ['Mosquitto', mosquittoAvailable, () => startMosquitto()],
  ['Aedes', true, () => startAedes()],
]

test.skipIf(!mosquittoAvailable).each(brokers)(
  '%s: a backup brings everything back byte for byte',
  async (_name, _runs, start) => {
    const pools = {
      garage: '{"real": 1.0, "big":12345678901234567890, "z":{"b":1,"a":[null]}, "\\u00e9":"\\ud83d\\ude00"}',
      attic: '{}',
      'with space': '{"x":1}',
      bad: 'no pool',
      bytes: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    }
    const { cli, url, file } = await filled(await start(), pools)
    expect(await cli.run('export', '-o', 'b.json')).toEqual({ code: 0, out: '', err: '5 pools in b.json.\n' })
    for (const name of Object.keys(pools)) expect((await cli.run('delete', name, '-y')).code).toBe(0)
    expect(await cli.run('import', 'b.json', '--yes')).toEqual({
      code: 0,
      out: [
        'attic: new, 0 variables',
        'bad: 0 bytes → 7 bytes, not all of them a pool',
        'bytes: 0 bytes → 4 bytes, not all of them a pool',
        'garage: new, 4 variables',
        '  + real  1',
        '  + big   12345678901234567890',
        '  + z     {"b":1,"a":[null]}',
        '  + é     "😀"',
        'with space: new, 1 variable',
        '  + x  1',
        '',
      ].join('\n'),
      err: '5 pools restored, 0 pools as in the backup already.\n',
    })
    for (const [name, text] of Object.entries(pools)) {
      const held = (await retainedAt(url, topicOf(name)))?.payload.toString('latin1') ?? ''
      expect([name, withoutRevision(held)]).toEqual([name, Buffer.from(text).toString('latin1')])
    }
    const [head = '', ...rest] = readFileSync(file('b.json'), 'utf8').split('\n')
    expect(JSON.parse(head)).toEqual({
      format: 'persist-mqtt backup',
      version: 1,
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      broker: url,
      complete: true,
      pools: 5,
    })
    expect(JSON.parse(rest[0] ?? '')).toEqual({ name: 'attic', topic: topicOf('attic'), owner: 'none', text: '{}' })
  },
)

describe.skipIf(!mosquittoAvailable)('restoring', () => {
  test('restoring shows what it would change, and changes that only', async () => {
    const { url, cli, kept, put } = await mosquitto({ garage: '{"a":1,"b":[1,2]}', attic: '{"x":1}', shed: '{"y":1}' })
    await cli.out('export', '-o', 'b.json')
    await put('garage', '{"b":[1,2],"a":2,"new":true}')
    await put('shed', '{"y":2}')
    const preview =
      'attic: no change\ngarage: 2 variables\n  ~ a    2 → 1\n  - new  true\nshed: 1 variable\n  ~ y  2 → 1\n'
    expect(await cli.run('import', 'b.json', '--dry-run')).toEqual({ code: 0, out: preview, err: '' })
    expect(await cli.run('import', 'b.json')).toEqual({
      code: 4,
      out: preview,
      err: `persist-mqtt: 2 pools at ${url} are changed. Go on? Nothing was changed: --yes is needed here.\n`,
    })
    expect(await kept('garage')).toBe('{"b":[1,2],"a":2,"new":true}')
    expect(await cli.run('import', 'b.json', '-y', '--only', 'garage')).toMatchObject({
      code: 0,
      err: '1 pool restored, 0 pools as in the backup already.\n',
    })
    expect([await kept('garage'), await kept('shed')]).toEqual(['{"a":1,"b":[1,2]}', '{"y":2}'])
    expect(await cli.run('import', 'b.json', '--only', 'barn')).toEqual({
      code: 3,
      out: '',
      err: 'persist-mqtt: b.json has no pool barn.\n',
    })
  })

  test('restoring goes through a program that owns a pool, and leaves a device alone', async () => {
    const { url, cli, kept } = await mosquitto({})
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    Object.assign(pt, { a: 1, b: null })
    await pt.save()
    const device = await startDevice(url, 'dev1', '{"x":1}')
    await cli.out('export', '-o', 'b.json')
    Object.assign(pt, { a: 5, c: 6 })
    await pt.save()
    await device.save('{"x":2}')
    const ended = await cli.run('import', 'b.json', '--yes', '--json')
    expect([ended.code, JSON.parse(ended.out)]).toEqual([
      4,
      {
        restored: 1,
        left: 0,
        dryRun: false,
        pools: [
          {
            name: 'dev1',
            isNew: false,
            changes: [{ name: 'x', before: 2, after: 1 }],
            refusal: expect.stringMatching(/^it is a device .* or use --force, and then cut its power, /),
          },
          {
            name: 'garage',
            isNew: false,
            changes: [
              { name: 'a', before: 5, after: 1 },
              { name: 'c', before: 6 },
            ],
            refusal: null,
          },
        ],
      },
    ])
    expect([{ ...pt }, await kept('dev1')]).toEqual([{ a: 1, b: null }, '{"x":2}'])
    expect((await cli.run('import', 'b.json', '--yes', '--force')).code).toBe(0)
    expect(await kept('dev1')).toBe('{"x":1}')
  })

  test('a backup that is not whole is not restored', async () => {
    const { cli, file, kept } = await mosquitto({ garage: '{"a":1}', attic: '{"b":2}' })
    await cli.out('export', '-o', 'b.json')
    const text = readFileSync(file('b.json'), 'utf8')
    const lines = text.split('\n')
    for (const [content, reason] of [
      [text.replace('\\"a\\":1', '\\"a\\":2'), 'it was changed or damaged (its checksum is another one)'],
      [text.slice(0, -80), 'its end is missing'],
      [
        text.replace('"version":1', '"version":2'),
        'it is of version 2, which a newer persist-mqtt has made; update this one',
      ],
      ['{"a":1}', 'it is no backup of persist-mqtt'],
      ['', 'it is no backup of persist-mqtt'],
      [[lines[0], ...lines.slice(2)].join('\n'), 'it was changed or damaged (its checksum is another one)'],
    ] as const) {
      writeFileSync(file('broken.json'), content)
      expect(await cli.run('import', 'broken.json', '-y')).toEqual({
        code: 1,
        out: '',
        err: `persist-mqtt: broken.json cannot be restored: ${reason}. Nothing was changed.\n`,
      })
    }
    // Made by somebody who can reckon a checksum.
    const entry = (name: string) => JSON.stringify({ name, topic: 'x', owner: 'none', text: '{}' })
    for (const [names, reason] of [
      [['garage', 'garage'], 'it has two pools of one name'],
      [['attic', '+'], 'line 3 is no pool'],
      [['#', 'attic'], 'line 2 is no pool'],
      [['', 'attic'], 'line 2 is no pool'],
    ] as const) {
      const body = `${[lines[0], ...names.map(entry)].join('\n')}\n`
      const sha256 = createHash('sha256').update(body).digest('hex')
      writeFileSync(file('broken.json'), `${body}${JSON.stringify({ sha256 })}\n`)
      expect(await cli.run('import', 'broken.json', '-y')).toMatchObject({
        code: 1,
        err: `persist-mqtt: broken.json cannot be restored: ${reason}. Nothing was changed.\n`,
      })
    }
    expect(await kept('garage')).toBe('{"a":1}')
    expect(await cli.run('import', 'nowhere.json')).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot be read'),
    })
  })
})

describe.skipIf(!mosquittoAvailable)('a backup', () => {
  test('a backup that may lack something says so', async () => {
    const { url, cli, file } = await mosquitto({ garage: '{"a":1}' })
    expect(await cli.run('export', 'garage', 'barn', '-o', 'b.json', '--json')).toEqual({
      code: 1,
      out: `{"file":"b.json","broker":"${url}","pools":1,"complete":false,"unknown":["barn"]}\n`,
      err: '1 pool in b.json.\nThere is no pool barn.\n',
    })
    expect(JSON.parse(readFileSync(file('b.json'), 'utf8').split('\n')[0] ?? '')).toMatchObject({
      complete: false,
      pools: 1,
    })

    const empty = await mosquitto({})
    expect(await empty.cli.run('export', '-o', 'b.json')).toEqual({
      code: 1,
      out: '',
      err: `0 pools in b.json.\nNo pool was found at ${empty.url}.\n`,
    })
    expect(readFileSync(empty.file('b.json'), 'utf8')).toContain('"complete":false')

    const users = { ann: 'secret' }
    const guarded = await startMosquitto({ users, acl: ['user ann', 'topic read stat/#', 'topic read tele/#'] })
    onTestFinished(() => guarded.stop())
    const ann = new Cli(guarded.url, { MQTT_USERNAME: 'ann', MQTT_PASSWORD: 'secret' })
    const { code, out } = await ann.run('export')
    expect([code, JSON.parse(out.split('\n')[0] ?? '')]).toMatchObject([1, { complete: false }])
  })

  test('a backup can be compared with a pool', async () => {
    const { cli, put } = await mosquitto({ garage: '{"a":1.0,"b":[1],"c":{"x":1,"y":2}}', attic: '{"a":1}' })
    await cli.out('export', '-o', 'b.json')
    await put('garage', '{"c":{"y":2,"x":1},"a":1,"b":[2],"\\u001b[2J":0}')
    expect(await cli.run('diff', 'b.json', 'garage')).toEqual({
      code: 1,
      out: '~ b          [1] → [2]\n+ \\u{1b}[2J  0\n',
      err: '2 variables differ.\n',
    })
    const list = Array.from({ length: 60 }, (_, index) => index).join()
    await put('long1', `{"ids":[${list},1],"n":12345678901234567890}`)
    await put('long2', `{"ids":[${list},2,3],"n":12345678901234567891}`)
    expect(await cli.run('diff', 'long1', 'long2')).toMatchObject({
      code: 1,
      out: '~ ids  …55,56,57,58,59,1] → …55,56,57,58,59,2,3]\n~ n    12345678901234567890 → 12345678901234567891\n',
    })
    expect(await cli.run('diff', 'b.json#attic', 'attic')).toEqual({ code: 0, out: '', err: 'No difference.\n' })
    expect(await cli.run('diff', 'attic', 'garage', '--json')).toMatchObject({ code: 1 })
    expect(await cli.run('diff', 'b.json#barn', 'garage')).toMatchObject({ code: 3 })
    expect(await cli.run('diff', 'barn', 'garage')).toMatchObject({ code: 3 })
  })
})

describe.skipIf(!mosquittoAvailable)('copying and moving', () => {
  test('a pool is copied and moved to another name', async () => {
    const { cli, kept } = await mosquitto({ garage: '{"a":1.0}', attic: '{"b":1}' })
    expect(await cli.out('copy', 'garage', 'shed')).toBe('garage is copied to shed\n')
    expect(await cli.run('copy', 'garage', 'attic')).toEqual({
      code: 4,
      out: '',
      err: 'persist-mqtt: There is a pool attic already. Nothing was changed; --force replaces it.\n',
    })
    expect(await cli.out('copy', 'garage', 'attic', '--force')).toBe('garage is copied to attic\n')
    expect(await cli.out('move', 'shed', 'barn', '--json')).toBe('{"from":"shed","to":"barn","way":"direct"}\n')
    expect([await kept('attic'), await kept('barn'), await kept('shed')]).toEqual(['{"a":1.0}', '{"a":1.0}', undefined])
    expect(await cli.run('copy', 'garage')).toMatchObject({ code: 2 })
    expect(await cli.run('move', 'nowhere', 'x')).toMatchObject({ code: 3 })
  })

  test('a pool is copied and moved to another broker', async () => {
    const { cli, kept } = await mosquitto({ garage: '{"a":1.0}' })
    const other = await mosquitto({})
    expect(await cli.out('move', 'garage', '--to-url', other.url)).toBe(`garage is moved to garage at ${other.url}\n`)
    expect([await kept('garage'), await other.kept('garage')]).toEqual([undefined, '{"a":1.0}'])
  })

  test('a program that owns the pool is asked, or in the way; a device is not written over', async () => {
    const { url, cli, kept } = await mosquitto({ attic: '{"b":1}' })
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.a = 1
    await pt.save()
    await waitFor(() => retainedAt(url, `${topicOf('garage')}/owner`), { what: 'the owner to say that it is one' })
    await startDevice(url, 'dev1', '{"x":1}')
    expect(await cli.run('move', 'garage', 'shed')).toMatchObject({
      code: 4,
      err: expect.stringContaining('A program owns garage'),
    })
    expect(await cli.run('move', 'dev1', 'shed')).toMatchObject({
      code: 4,
      err: expect.stringContaining('dev1 is a device'),
    })
    expect(await cli.run('copy', 'attic', 'dev1')).toMatchObject({
      code: 4,
      err: expect.stringContaining('dev1 is a device'),
    })
    expect(await cli.out('copy', 'attic', 'garage', '--force')).toBe('attic is copied to garage\n')
    expect([{ ...pt }, await kept('dev1'), await kept('shed')]).toEqual([{ b: 1 }, '{"x":1}', undefined])
  })
})
