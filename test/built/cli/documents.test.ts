import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { VERSION } from '../../../src/runtime/version.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import { startDevice } from '../../helpers/tasmota-device.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor } from '../../helpers/wait.ts'
import { ROOT } from '../snippets.ts'
import { BIN } from './cli.ts'

/** The broker that the document speaks of. */
const PLACE = 'mqtt://localhost:1883'

interface Step {
  readonly command: string
  readonly output: string
}

/** The commands of a document, each with what it is said to print. */
function stepsOf(document: string): Step[] {
  const blocks = Array.from(document.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const end = step.indexOf('\n')
        return { command: step.slice(0, end), output: step.slice(end + 1) }
      }),
  )
}

/** Without what differs from broker to broker. */
function lasting(output: string): string {
  return output.replace(/version [\d.]+, \d+ retained/, 'version X, N retained').replace(/comes \d+ ms/, 'comes N ms')
}

async function startPools(url: string): Promise<void> {
  const pt = await openStore({ url, name: 'garage', saveOnExit: false })
  onTestFinished(() => pt.$close().catch(() => {}))
  Object.assign(pt, { counter: 5, limits: { low: 7, high: 30 }, door: 'closed' })
  await pt.save()
  const client = await connectClient(url)
  await client.publishAsync('stat/attic/PersistMQTT', '{"seen":"2026-11-01","temperatures":[4,5.5]}', {
    qos: 1,
    retain: true,
  })
  await startDevice(url, 'dev1', '{"counter":17}')
  await waitFor(() => retainedAt(url, 'stat/garage/PersistMQTT/owner'), { what: 'the owner to say that it is one' })
}

describe.skipIf(!mosquittoAvailable).each(['README.md', 'docs/cli.md'])('%s', (document) => {
  const steps = stepsOf(readFileSync(join(ROOT, document), 'utf8'))

  test('what its commands print is what they print', { timeout: 120_000 }, async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    await startPools(broker.url)
    const bin = mkdtempSync(join(temporaryDirectory(), 'bin'))
    symlinkSync(BIN, join(bin, 'persist-mqtt'))
    // What npm would say, without a network.
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho ${VERSION}\n`, { mode: 0o755 })
    const home = temporaryDirectory()
    const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, MQTT_URL: broker.url, TZ: 'UTC' }
    const run = (command: string) =>
      new Promise<string>((resolve) => {
        // Both outputs in the order in which they come, as on a terminal.
        execFile('sh', ['-c', `{ ${command}\n} 2>&1`], { env, cwd: home, timeout: 30_000 }, (_error, output) =>
          resolve(output.replaceAll(broker.url, PLACE)),
        )
      })
    expect(steps.length).toBeGreaterThan(5)
    for (const { command, output } of steps) {
      const printed = (await run(command)).replaceAll(broker.url, PLACE)
      expect({ command, output: lasting(printed) }).toEqual({ command, output: lasting(output) })
    }
  })
})
