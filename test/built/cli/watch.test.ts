import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import type { Program } from '../run-program.ts'
import { Cli } from './cli.ts'

async function started() {
  const broker = await startMosquitto({
    persistence: true,
    config: ['autosave_on_changes true', 'autosave_interval 1'],
  })
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  const put = async (name: string, text: string, by = client) => {
    await by.publishAsync(`stat/${name}/PersistMQTT`, text, { qos: 1, retain: true })
  }
  return { broker, url: broker.url, cli: new Cli(broker.url), put }
}

/** Waits for a line, and returns all so far without their times. */
async function linesWith(program: Program, last: RegExp): Promise<string[]> {
  await program.says(last)
  return program
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} {2}/, ''))
}

async function watching(program: Program, count: number): Promise<void> {
  await expect.poll(() => program.stderr(), { timeout: 10_000 }).toMatch(new RegExp(`^Watching ${count} pools? on `))
}

describe.skipIf(!mosquittoAvailable)('watch', () => {
  test('watch tells what changes, variable by variable', async () => {
    const { url, cli, put } = await started()
    await put('garage', '{"counter":5,"limits":{"low":1,"high":2},"list":[1,2]}')
    await put('attic', '{"x":1}')
    const program = cli.start('watch')
    await watching(program, 2)
    await put('garage', '{"counter":6,"limits":{"low":7,"high":2},"list":[1,3],"new":"\\u001b[2J"}')
    await put('garage', '{"counter":6,"limits":{"a":1,"b":2,"c":3},"list":[]}')
    await put('attic', '')
    await put('shed', '{"y":null}')
    await put('shed', 'no pool')
    await startDevice(url, 'garage', '{"counter":6}')
    expect(await linesWith(program, /garage {2}online \(device\)/)).toEqual([
      'garage  counter  5 → 6',
      'garage  limits.low  1 → 7',
      'garage  list[1]  2 → 3',
      'garage  new  (none) → "\\u001b[2J"',
      'garage  limits  {"low":7,"high":2} → {"a":1,"b":2,"c":3}',
      'garage  list  [1,3] → []',
      'garage  new  "\\u001b[2J" → (none)',
      'attic  deleted',
      'shed  appeared',
      'shed  y  (none) → null',
      'shed  no pool',
      'garage  limits  {"a":1,"b":2,"c":3} → (none)',
      'garage  list  [] → (none)',
      'garage  online (device)',
    ])
    expect(await program.kill('SIGINT')).toBe(0)
  })

  test('watch prints JSON, for some pools only', async () => {
    const { url, cli, put } = await started()
    await put('garage', '{"a":{"b":1}}')
    const program = cli.start('watch', 'garage', '--json')
    await watching(program, 1)
    await put('attic', '{"x":1}')
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    pt.a = { b: 2 }
    await pt.save()
    await pt.$close()
    await program.says(/"offline".*\n/)
    const told = program
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(told).toEqual([
      { time, pool: 'garage', event: 'online', owner: 'program' },
      { time, pool: 'garage', variable: 'a', path: '.b', before: 1, after: 2 },
      { time, pool: 'garage', event: 'offline', owner: 'none' },
    ])
    expect(await program.kill('SIGTERM')).toBe(0)
  })

  test('watch goes on after the broker was away, and tells what has changed meanwhile', {
    timeout: 60_000,
  }, async () => {
    const { broker, url, cli, put } = await started()
    await put('garage', '{"counter":1}')
    await put('attic', '{"x":1}')
    const program = cli.start('watch')
    await watching(program, 2)
    await put('garage', '{"counter":2}')
    await program.says(/counter {2}1 → 2/)
    // Ended in peace it writes everything to its disk, and somebody changes it before the command is back.
    await broker.restart()
    const client = await connectClient(url)
    await put('garage', '{"counter":3}', client)
    await put('attic', '', client)
    expect((await linesWith(program, /attic {2}deleted/)).sort()).toEqual([
      'attic  deleted',
      'garage  counter  1 → 2',
      'garage  counter  2 → 3',
    ])
    await expect
      .poll(() => program.stderr())
      .toMatch(/The connection to .* was lost.*\nConnected again, \d pools?\.\n$/s)
    expect(await program.kill('SIGINT')).toBe(0)
  })

  test('watch says that a broker is not there', async () => {
    const cli = new Cli('mqtt://127.0.0.1:1')
    expect(await cli.run('watch')).toMatchObject({ code: 1, err: expect.stringContaining('nothing listens on port 1') })
  })
})
