import { describe, expect, onTestFinished, test } from 'vitest'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from './cli.ts'

async function started() {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  const topicOf = (name: string) => `stat/${name}/PersistMQTT`
  const put = (name: string, text: string) => client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
  const kept = (name: string) => poolTextAt(broker.url, topicOf(name))
  return { url: broker.url, port: broker.port, cli: new Cli(broker.url), put, kept }
}

describe.skipIf(!mosquittoAvailable)('what is moved is never lost', () => {
  test('nothing that is moved is lost where the other broker is the same one under another address', async () => {
    const { cli, put, kept, port } = await started()
    await put('garage', '{"a":1}')
    const url = `mqtt://localhost:${port}`
    expect(await cli.run('move', 'garage', '--to-url', url, '--force')).toEqual({
      code: 4,
      out: '',
      err:
        `persist-mqtt: The pool garage at ${url} is the same already, if it is not this very one. Nothing was changed. ` +
        'Where it is another one, persist-mqtt delete removes this one.\n',
    })
    expect(await cli.run('copy', 'garage', '--to-url', url, '--force')).toMatchObject({ code: 0 })
    expect(await kept('garage')).toBe('{"a":1}')
    expect(await cli.out('move', 'garage', 'attic', '--to-url', url, '--json')).toBe(
      `{"from":"garage","to":"attic","broker":"${url}","way":"direct"}\n`,
    )
    expect([await kept('garage'), await kept('attic')]).toEqual([undefined, '{"a":1}'])
  })

  test('nothing that is moved is lost where somebody changes it meanwhile', async () => {
    const { cli, put, kept } = await started()
    const other = await started()
    await put('garage', '{"a":1}')
    const proxy = await startDelayProxy({ target: other.url })
    onTestFinished(() => proxy.close())
    proxy.freeze()
    const moving = cli.start('move', 'garage', '--to-url', proxy.url)
    // It has read the pool, and asks the other broker now.
    await waitFor(() => proxy.connections() > 0, { what: 'the connection to the other broker', limitMs: 10_000 })
    await put('garage', '{"a":2}')
    proxy.thaw()
    expect(await moving.ended()).toBe(1)
    expect(moving.stdout()).toBe('')
    expect(moving.stderr()).toBe(
      `persist-mqtt: garage has changed meanwhile. It is copied to garage at ${proxy.url} as it was before, and not removed. Move it once more.\n`,
    )
    expect([await kept('garage'), await other.kept('garage')]).toEqual(['{"a":2}', '{"a":1}'])
  })

  test('a name is what it is: escaped for people, itself for programs', async () => {
    const { cli, put, kept } = await started()
    const name = 'caf\u00e9 \u202e'
    await put(name, '{"a":1}')
    expect(await cli.out('copy', name, 'attic')).toBe('caf\u00e9 \\u{202e} is copied to attic\n')
    const out = await cli.out('move', name, 'barn', '--json')
    expect(out).toBe('{"from":"caf\u00e9 \\u202e","to":"barn","way":"direct"}\n')
    expect(JSON.parse(out).from).toBe(name)
    expect([await kept(name), await kept('attic'), await kept('barn')]).toEqual([undefined, '{"a":1}', '{"a":1}'])
    expect(await cli.run('copy', '+', 'x')).toEqual({
      code: 2,
      out: '',
      err: 'persist-mqtt: No pool has the name "+": an MQTT topic to publish to cannot hold "+".\n',
    })
  })
})
