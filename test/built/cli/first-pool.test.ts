import { expect, onTestFinished, test } from 'vitest'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import { waitFor } from '../../helpers/wait.ts'
import { Cli } from './cli.ts'

const topicOf = (name: string) => `stat/${name}/PersistMQTT`

test.skipIf(!mosquittoAvailable)(
  'a device that waits for its first pool gets it, copied or restored, without force',
  async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const { url } = broker
    const client = await connectClient(url)
    for (const [name, text] of Object.entries({ attic: '{"b":1}', dev1: '{"x":1}' }))
      await client.publishAsync(topicOf(name), text, { qos: 1, retain: true })
    const cli = new Cli(url)
    await cli.out('export', '-o', 'b.json')
    await cli.out('delete', 'dev1', '-y')
    for (const name of ['dev1', 'dev2']) await client.publishAsync(`tele/${name}/LWT`, 'Online', { retain: true })
    await waitFor(() => retainedAt(url, 'tele/dev2/LWT'), { what: 'the devices to be seen' })
    expect(await cli.run('import', 'b.json', '--yes', '--only', 'dev1')).toMatchObject({ code: 0 })
    expect(await cli.out('copy', 'attic', 'dev2')).toBe('attic is copied to dev2\n')
    const kept = (name: string) => poolTextAt(url, topicOf(name))
    expect([await kept('dev1'), await kept('dev2')]).toEqual(['{"x":1}', '{"b":1}'])
  },
)
