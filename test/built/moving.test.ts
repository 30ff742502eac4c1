import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Conf from 'conf'
import storage from 'node-persist'
import { expect, onTestFinished, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { poolTextAt } from '../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { outputOf } from './run-program.ts'
import { ROOT, snippetsOf } from './snippets.ts'

const VALUES = { volume: 8, wake: { hour: 7, days: ['Mon', 'Tue'] }, note: 'Grüße', off: false }

/** What the values are kept with, and the heading of docs/moving.md that tells how to take them from there. */
const sources: readonly [heading: string, keep: (directory: string) => unknown][] = [
  ['From conf', (directory) => new Conf({ projectName: 'garage', cwd: directory }).set(VALUES)],
  [
    'From node-persist',
    async (directory) => {
      const kept = storage.create({ dir: join(directory, 'garage-storage') })
      await kept.init()
      for (const [key, value] of Object.entries(VALUES)) await kept.setItem(key, value)
    },
  ],
  [
    'From a JSON file of your own',
    (directory) => writeFileSync(join(directory, 'settings.json'), JSON.stringify(VALUES)),
  ],
]

test.each(sources)(
  '%s: the program in docs/moving.md takes everything, and leaves it where it was',
  async (heading, keep) => {
    const broker = await startAedes()
    onTestFinished(() => broker.stop())
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'node_modules'))
    for (const [name, at] of [
      ['persist-mqtt', ROOT],
      ...['conf', 'node-persist'].map((it) => [it, join(ROOT, 'node_modules', it)]),
    ]) {
      symlinkSync(at as string, join(directory, 'node_modules', name as string), 'dir')
    }
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
    await keep(directory)
    const before = readdirSync(directory)
    const snippet = snippetsOf('docs/moving.md').find(({ title }) => title.endsWith(`: ${heading}`))
    writeFileSync(join(directory, 'main.js'), snippet?.files.at(-1)?.code ?? '')
    await outputOf('main.js', [], directory, { MQTT_URL: broker.url })
    const held = await poolTextAt(broker.url, 'stat/garage/PersistMQTT')
    expect(JSON.parse(held ?? '{}')).toEqual(VALUES)
    expect(readdirSync(directory)).toEqual([...before, 'main.js'].sort())
  },
)
