import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from './cli.ts'

const TOPIC = 'stat/garage/PersistMQTT'

async function started(pool?: string) {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  if (pool !== undefined) {
    const client = await connectClient(broker.url)
    await client.publishAsync(TOPIC, pool, { qos: 1, retain: true })
  }
  const kept = () => poolTextAt(broker.url, TOPIC)
  return { url: broker.url, cli: new Cli(broker.url), kept }
}

async function owned(url: string) {
  const pt = await openStore({ url, name: 'garage', saveOnExit: false })
  onTestFinished(() => pt.$close().catch(() => {}))
  await waitFor(() => retainedAt(url, `${TOPIC}/owner`), { what: 'the owner to say that it is one' })
  return pt
}

describe.skipIf(!mosquittoAvailable)('changing pools on the command line', () => {
  test('a pool without an owner is written directly', async () => {
    const { cli, kept } = await started('{"counter":5,"limits":{"low":1,"high":1.0},"tones":[1,2]}')
    const done = async (...args: string[]) => {
      const { code, out, err } = await cli.run(...args)
      expect([code, err]).toEqual([0, ''])
      return out
    }
    const way = '(written directly, nobody owns it)\n'
    expect(await done('set', 'garage', 'limits.low', '7')).toBe(`limits.low  1 → 7  ${way}`)
    expect(await done('set', 'garage', 'tones[2]', '{"a":null}')).toBe(`tones[2]  (none) → {"a":null}  ${way}`)
    expect(await done('set', 'garage', 'note', 'two words')).toBe(`note  (none) → "two words"  ${way}`)
    expect(await done('set', 'garage', 'nothing', 'null')).toBe(`nothing  (none) → null  ${way}`)
    expect(await done('inc', 'garage', 'counter')).toBe(`counter  5 → 6  ${way}`)
    expect(await done('inc', 'garage', 'counter', '-1.5')).toBe(`counter  6 → 4.5  ${way}`)
    expect(await done('rm', 'garage', 'limits.high')).toBe(`limits.high  1.0 → (none)  ${way}`)
    expect(await done('rm', 'garage', 'tones.0')).toBe(`tones.0  1 → (none)  ${way}`)
    expect(await kept()).toBe(
      '{"counter":4.5,"limits":{"low":7},"tones":[2,{"a":null}],"note":"two words","nothing":null}',
    )
  })

  test('digits that JavaScript has no number for are shown and kept as they are', async () => {
    const { url, cli, kept } = await started('{"m":{"id":9007199254740993,"v":1.0,"k":0},"n":9007199254740993,"d":0.1}')
    expect(await cli.out('get', 'garage', 'm.id')).toBe('9007199254740993\n')
    await cli.out('set', 'garage', 'm.k', '5')
    expect(await kept()).toContain('"m":{"id":9007199254740993,"v":1.0,"k":5}')
    expect(await cli.out('set', 'garage', 'n', '9007199254740995')).toMatch(
      /^n {2}9007199254740993 → 9007199254740995 /,
    )
    await owned(url)
    await cli.out('set', 'garage', 'm.list', '[12345678901234567890]')
    await cli.out('set', 'garage', 'm.list[1]', '{"a":null}')
    expect(await cli.out('inc', 'garage', 'd', '0.2')).toMatch(/^d {2}0\.1 → 0\.30000000000000004 /)
    expect(await kept()).toBe(
      '{"m":{"id":9007199254740993,"v":1.0,"k":5,"list":[12345678901234567890,{"a":null}]},"n":9007199254740995,"d":0.30000000000000004}',
    )
    expect(await cli.run('inc', 'garage', 'n')).toMatchObject({
      code: 1,
      err: expect.stringContaining('JavaScript rounds'),
    })
    expect(await cli.run('inc', 'garage', 'd', '9007199254740993')).toMatchObject({ code: 2 })
  })

  test('the owner of a pool makes the change, and has it at once', async () => {
    const { url, cli, kept } = await started('{"counter":5,"map":{"a":1}}')
    const pt = await owned(url)
    expect(await cli.out('inc', 'garage', 'counter', '2')).toBe('counter  5 → 7  (saved by its owner)\n')
    expect(pt.counter).toBe(7)
    expect(await cli.out('set', 'garage', 'map', '{"b":2}', '--json')).toBe(
      '{"name":"garage","path":"map","before":{"a":1},"value":{"b":2},"way":"owner"}\n',
    )
    expect(pt.map).toEqual({ b: 2 })
    expect(await cli.out('zero', 'garage', '--yes')).toBe('garage is empty  (saved by its owner)\n')
    expect([{ ...pt }, await kept()]).toEqual([{}, '{}'])
    expect(await cli.run('delete', 'garage', '--yes')).toEqual({
      code: 4,
      out: '',
      err: 'persist-mqtt: A program owns garage and would write it again at once. End it first. Nothing was changed.\n',
    })
  })

  test('a device that does not listen is left alone, unless it is meant', async () => {
    const { url, cli, kept } = await started()
    await startDevice(url, 'garage', '{"counter":5}')
    const refused = {
      code: 4,
      out: '',
      err:
        'persist-mqtt: garage is a device that is online and does not listen: it writes over any change with its next save. ' +
        'Nothing was changed. Switch it off first; or use --force, and then cut its power, or send it Restart 99 ' +
        '(any other restart saves first, and undoes the change).\n',
    }
    for (const args of [
      ['set', 'garage', 'counter', '1'],
      ['rm', 'garage', 'counter'],
      ['inc', 'garage', 'counter'],
      ['zero', 'garage', '-y'],
      ['delete', 'garage', '-y'],
    ]) {
      expect(await cli.run(...args)).toEqual(refused)
    }
    expect(await kept()).toBe('{"counter":5}')
    expect(await cli.out('set', 'garage', 'counter', '1', '--force')).toBe(
      'counter  5 → 1  (written directly; cut the power of the device now, or send it Restart 99)\n',
    )
    expect(await kept()).toBe('{"counter":1}')
    expect(await cli.out('delete', 'garage', '-y', '-f')).toBe('garage is deleted\n')
    expect(await kept()).toBeUndefined()
  })

  test('what is not there is said, and nothing is made', async () => {
    const { url, cli, kept } = await started('{"counter":5,"text":"x"}')
    const place = url
    for (const [args, code, err] of [
      [['get', 'gargae'], 3, `There is no pool gargae at ${place}. persist-mqtt ls lists them.`],
      [['set', 'gargae', 'x', '1'], 3, `There is no pool gargae at ${place}. persist-mqtt ls lists them.`],
      [['delete', 'gargae', '-y'], 3, `There is no pool gargae at ${place}.`],
      [['get', 'garage', 'x.y'], 3, 'garage has no x.y.'],
      [['rm', 'garage', 'x'], 3, 'garage has no x.'],
      [['set', 'garage', 'counter.low', '1'], 1, 'counter is 5, and has nothing inside. Nothing was changed.'],
      [['set', 'garage', 'a..b', '1'], 2, `a..b is no path to a variable: write limits.low, tones[2], or '["a.b"].c'.`],
      [['inc', 'garage', 'counter', 'two'], 2, 'BY must be a number, not two.'],
      [['set', 'garage', 'save', '1'], 1, expect.stringMatching(/No variable can be called "save": /)],
      [['inc', 'garage', 'text'], 1, expect.stringMatching(/pt\.text is no number; nothing was added/)],
      [['zero', 'garage'], 4, 'garage loses 2 variables for good. Go on? Nothing was changed: --yes is needed here.'],
    ] as [string[], number, unknown][]) {
      const ended = await cli.run(...args)
      expect([args, ended.code, ended.out]).toEqual([args, code, ''])
      expect(ended.err.replace(/^persist-mqtt: |\n$/g, '')).toEqual(err)
    }
    expect(await retainedAt(url, 'stat/gargae/PersistMQTT')).toBeUndefined()
    expect(await kept()).toBe('{"counter":5,"text":"x"}')
  })

  test('what is no pool can be made an empty one, and nothing else', async () => {
    const { cli, kept } = await started('no \u001b[2J pool')
    const ended = await cli.run('set', 'garage', 'x', '1')
    expect([ended.code, ended.err]).toEqual([
      1,
      expect.stringMatching(/^persist-mqtt: What is kept for 'garage' is no pool: /),
    ])
    expect(ended.err).not.toContain('\u001b')
    const debugged = await cli.run('set', 'garage', 'x', '1', '--debug')
    expect(debugged.err).toContain('\n    at ')
    expect(debugged.err).not.toContain('\u001b')
    expect(await cli.out('zero', 'garage', '-y')).toBe('garage is empty  (written directly, nobody owns it)\n')
    expect(await kept()).toBe('{}')
  })
})
