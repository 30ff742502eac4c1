import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { withoutRevision } from '../../helpers/bytes.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { type MosquittoOptions, startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from './cli.ts'

const topicOf = (name: string) => `stat/${name}/PersistMQTT`

async function started(options?: MosquittoOptions, env?: NodeJS.ProcessEnv) {
  const broker = await startMosquitto(options)
  onTestFinished(() => broker.stop())
  const { url } = broker
  const cli = new Cli(url, env)
  const put = async (pools: Readonly<Record<string, string | Buffer>>) => {
    const client = await connectClient(url)
    for (const [name, text] of Object.entries(pools)) {
      await client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
    }
    await client.endAsync()
  }
  const kept = (name: string) => poolTextAt(url, topicOf(name))
  /** A backup of these pools, as `export` writes it. */
  const backup = (pools: Readonly<Record<string, string>>, complete = true) => {
    const head = {
      format: 'persist-mqtt backup',
      version: 1,
      created: '2026-11-01T00:00:00.000Z',
      broker: 'x',
      complete,
    }
    const entries = Object.entries(pools).map(([name, text]) => ({ name, topic: topicOf(name), owner: 'none', text }))
    const lines = [{ ...head, pools: entries.length }, ...entries].map((line) => `${JSON.stringify(line)}\n`).join('')
    const sha256 = createHash('sha256').update(lines).digest('hex')
    writeFileSync(join(cli.home, 'b.json'), `${lines}${JSON.stringify({ sha256 })}\n`)
  }
  return { url, cli, put, kept, backup }
}

/** What devices have written, whatever it is: every byte counts. */
const recorded = (): { payload_utf8: string; payload_hex?: string }[] =>
  JSON.parse(readFileSync(new URL('../../fixtures/berry-written.json', import.meta.url), 'utf8'))

describe.skipIf(!mosquittoAvailable)('a restore', () => {
  test('a restore brings back every recorded payload of a device byte for byte', { timeout: 60_000 }, async () => {
    const { url, cli, put } = await started()
    const pools = Object.fromEntries(
      recorded().map(({ payload_utf8, payload_hex }, index): [string, Buffer] => [
        `dev${index}`,
        payload_hex ? Buffer.from(payload_hex, 'hex') : Buffer.from(payload_utf8),
      ]),
    )
    const names = Object.keys(pools)
    expect(names.length).toBeGreaterThan(170)
    await put(pools)
    expect((await cli.run('export', '-o', 'b.json')).code).toBe(0)
    await put(Object.fromEntries(names.map((name) => [name, ''])))
    expect((await cli.run('export')).err).toMatch(/^0 pools\.\n/)
    expect(await cli.run('import', 'b.json', '--yes')).toMatchObject({
      code: 0,
      err: `${names.length} pools restored, 0 pools as in the backup already.\n`,
    })
    for (const name of names) {
      const held = await retainedAt(url, topicOf(name))
      expect([name, withoutRevision(held?.payload.toString('latin1') ?? '')]).toEqual([
        name,
        pools[name]?.toString('latin1'),
      ])
    }
  })

  test('a restore keeps with --merge what the backup has not', async () => {
    const { url, cli, put, kept, backup } = await started()
    await put({ attic: '{"new":1.0,"a":2}', shed: '{"a":1,"new":1}', bad: 'no pool' })
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    Object.assign(pt, { a: 2, new: 1 })
    await pt.save()
    await waitFor(() => retainedAt(url, `${topicOf('garage')}/owner`), { what: 'the owner to say that it is one' })
    backup({ attic: '{"a":1.0}', bad: '{"a":1}', barn: '{"a":1}', garage: '{"a":1}', shed: '{"a":1}' })
    expect(await cli.run('import', 'b.json', '--merge', '--yes')).toEqual({
      code: 0,
      out: [
        'attic: 1 variable',
        '  ~ a  2 → 1',
        'bad: 7 bytes → 7 bytes, not all of them a pool',
        'barn: new, 1 variable',
        '  + a  1',
        'garage: 1 variable',
        '  ~ a  2 → 1',
        'shed: no change',
        '',
      ].join('\n'),
      err: '4 pools restored, 1 pool as in the backup already.\n',
    })
    expect({ ...pt }).toEqual({ a: 1, new: 1 })
    expect([await kept('attic'), await kept('bad'), await kept('barn')]).toEqual([
      '{"new":1.0,"a":1.0}',
      '{"a":1}',
      '{"a":1}',
    ])
  })

  test('a restore that is ended tells what was done', { timeout: 60_000 }, async () => {
    const { url, cli, kept, backup } = await started()
    const names = Array.from({ length: 80 }, (_, index) => `p${String(index).padStart(2, '0')}`)
    // As large as what may be on its way, so that they go one by one.
    backup(Object.fromEntries(names.map((name) => [name, `{"a":"${'x'.repeat(32_000)}"}`])))
    const proxy = await startDelayProxy({ target: url, delayMs: 20 })
    onTestFinished(() => proxy.close())
    const restoring = cli.start('import', 'b.json', '--yes', '--url', proxy.url)
    await waitFor(() => kept('p00'), { what: 'the first pool', limitMs: 20_000 })
    restoring.child.kill('SIGINT')
    expect(await restoring.ended()).toBe(1)
    const said =
      /^(\d+) pools? restored, 0 pools as in the backup already\.\nInterrupted: (\d+) pools of the backup were not looked at any more\.\n$/
    const [, done, left] = said.exec(restoring.stderr())?.map(Number) ?? []
    expect([restoring.stderr(), (done ?? 0) + (left ?? 0)]).toEqual([expect.stringMatching(said), names.length])
    const held = await Promise.all(names.map(kept))
    expect(held.filter((text) => text !== undefined).length).toBe(done)
  })

  test('a restore writes over nothing that it cannot see, unless that is meant', async () => {
    const acl = ['user ann', 'topic write stat/+/PersistMQTT', 'topic read stat/garage/PersistMQTT']
    const users = { ann: 'secret' }
    const env = { MQTT_USERNAME: 'ann', MQTT_PASSWORD: 'secret' }
    const { cli, backup } = await started({ users, acl }, env)
    backup({ garage: '{"a":1}' }, false)
    const refused = await cli.run('import', 'b.json', '--yes')
    expect(refused).toEqual({
      code: 4,
      out: 'garage: not restored, the broker does not say what is kept there now; --force writes over it\n',
      err: 'b.json says that it may not have every pool that there was.\n0 pools restored, 0 pools as in the backup already.\n',
    })
    expect(await cli.run('import', 'b.json', '--yes', '--force')).toMatchObject({
      code: 0,
      out: 'garage: new, 1 variable\n  + a  1\n',
    })
  })
})
