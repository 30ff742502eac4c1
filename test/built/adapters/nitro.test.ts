import { cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../../helpers/aedes.ts'
import { freePort } from '../../helpers/free-port.ts'
import { poolTextAt } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { outputOf, runProgram } from '../run-program.ts'
import { ROOT } from '../snippets.ts'

const CLI = 'nitro/dist/cli/index.mjs'

/** The configuration of docs/unstorage.md, at a broker that is there. */
const CONFIG = `export default {
  compatibilityDate: '2026-01-01',
  storage: { site: { driver: 'persist-mqtt/unstorage', name: 'site', url: process.env.MQTT_URL } },
}
`

const ROUTE = `import { defineHandler } from 'nitro/h3'
import { useStorage } from 'nitro/runtime'

export default defineHandler(async () => {
  const storage = useStorage('site')
  const visits = Number((await storage.getItem('visits')) ?? 0) + 1
  await storage.setItem('visits', visits)
  return { visits }
})
`

/** A folder in which Nitro and `persist-mqtt` are installed: a copy of Nitro, which imports drivers from where it is itself. */
function projectWithNitro(): string {
  const directory = temporaryDirectory()
  const modules = join(directory, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    const installed = join(ROOT, 'node_modules', name)
    if (name !== 'nitro') symlinkSync(installed, join(modules, name), 'dir')
    else cpSync(realpathSync(installed), join(modules, name), { recursive: true })
  }
  symlinkSync(ROOT, join(modules, 'persist-mqtt'), 'dir')
  return directory
}

test('a site that Nitro has built keeps its storage on the broker', { timeout: 90_000 }, async () => {
  const broker = await startAedes()
  onTestFinished(() => broker.stop())
  const directory = projectWithNitro()
  mkdirSync(join(directory, 'routes'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'nitro.config.mjs'), CONFIG)
  writeFileSync(join(directory, 'routes/visits.mjs'), ROUTE)
  await outputOf(join(directory, 'node_modules', CLI), ['build'], directory, { MQTT_URL: broker.url })

  const port = await freePort()
  const server = runProgram(join(directory, '.output/server/index.mjs'), [], directory, {
    PORT: String(port),
    HOST: '127.0.0.1',
  })
  await server.says(/Listening/)
  const visit = async () => (await fetch(`http://127.0.0.1:${port}/visits`)).json()
  expect([await visit(), await visit()]).toEqual([{ visits: 1 }, { visits: 2 }])
  expect(JSON.parse((await poolTextAt(broker.url, 'stat/site/PersistMQTT')) ?? '{}').visits).toBe(2)
  await server.kill('SIGTERM')
})
