import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { startAedes } from '../helpers/aedes.ts'
import { installedAlone } from './installed.ts'
import { outputOf, runProgram } from './run-program.ts'
import { ROOT } from './snippets.ts'

let directory: string
beforeAll(() => {
  directory = installedAlone()
})

/** Runs `persist-mqtt` of that folder to its end. */
async function run(...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const program = runProgram(join(directory, 'node_modules/persist-mqtt/bin/persist-mqtt.js'), args, directory)
  const code = await program.ended()
  return { code, out: program.stdout(), err: program.stderr() }
}

/** Runs a program in that folder, and returns what it prints. */
function printed(code: string): Promise<string> {
  writeFileSync(join(directory, 'program.js'), code)
  return outputOf('program.js', [], directory)
}

function link(...names: string[]): void {
  for (const name of names) {
    symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name), 'dir')
  }
}

const unlink = (name: string) => rmSync(join(directory, 'node_modules', name))

const missing = (command: string) => ({
  code: 1,
  out: '',
  err:
    'persist-mqtt: The broker needs the packages aedes and ws: ' +
    'npm install aedes ws (with --global where persist-mqtt is global), ' +
    `or npx -p persist-mqtt -p aedes -p ws persist-mqtt ${command}\n`,
})

describe('the package alone, without any other', { timeout: 60_000 }, () => {
  test('opens and saves a store at a broker', async () => {
    const broker = await startAedes()
    const code = `import { openStore } from 'persist-mqtt'
      const pt = await openStore({ url: '${broker.url}', name: 'alone', defaults: { n: 1 } })
      await pt.save()
      console.log(pt.n)`
    expect(await printed(code)).toBe('1\n')
    expect(await run('get', 'alone', 'n', '--url', broker.url)).toEqual({ code: 0, out: '1\n', err: '' })
    await broker.stop()
  })

  test('has the types that its entry points need', () => {
    const entries = ['', '/auto', '/file', '/home-assistant', '/memory', '/node-red', '/testing']
    const code = entries.map((entry, index) => `import * as m${index} from 'persist-mqtt${entry}'\nvoid m${index}\n`)
    writeFileSync(join(directory, 'types.ts'), code.join(''))
    const options =
      '--noEmit --strict --target es2023 --module nodenext --lib ESNext,DOM,DOM.Iterable --skipLibCheck false'
    const roots = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, ...options.split(' '), ...roots, 'types.ts'], {
      cwd: directory,
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
  })

  test.each(['broker', 'demo'])('says in one line what %s needs', async (command) => {
    expect(await run(command, '--port', '0', '--ws-port', '0')).toEqual(missing(command))
    link('aedes')
    expect(await run(command, '--port', '0', '--ws-port', '0')).toEqual(missing(command))
    unlink('aedes')
  })

  test('says what ws: and wss: need, whatever connects', async () => {
    const said = await printed(`import { createStore, openEditor, openStore } from 'persist-mqtt'
      const tell = (error) => console.log(error.code, error.message)
      for (const url of ['ws://127.0.0.1:9', 'wss://127.0.0.1:9']) {
        await openStore({ url, name: 'x' }).catch(tell)
        await openEditor({ url, name: 'x' }).catch(tell)
        await new Promise((resolve) => createStore({ url, name: 'x' }).$on('error', resolve)).then(tell)
      }`)
    const lines = said.trimEnd().split('\n')
    expect(lines).toHaveLength(6)
    for (const line of lines) {
      expect(line).toMatch(/^ERR_PERSIST_OPTION Store 'x' .* wss?: in option url needs the package ws\. /)
      expect(line).toMatch(/Install it: npm install ws$/)
    }
    const ends = ['ls', 'doctor', 'inspect', 'watch', 'export'].map((command) => run(command, '--url', 'ws://[::1]:9'))
    for (const { code, out, err } of await Promise.all(ends)) {
      expect(code).not.toBe(0)
      expect(out).toBe('')
      expect(err).toMatch(/^persist-mqtt: .*needs the package ws\. Install it: npm install ws\n$/)
    }
  })

  test('says which file of its own cannot be loaded, as in a bundle without those beside it', async () => {
    const file = join(directory, 'node_modules/persist-mqtt/dist/mqtt/transport/node.js')
    renameSync(file, `${file}.away`)
    try {
      const said = await printed(`import { openStore } from 'persist-mqtt'
        await openStore({ url: 'mqtts://127.0.0.1:9', name: 'x' }).catch(({ code, message }) => console.log(code, message))`)
      expect(said).toMatch(/^ERR_PERSIST_CONNECT .* a file of persist-mqtt could not be loaded \(.*transport.node\.js/)
      expect(said).not.toContain('PEM')
    } finally {
      renameSync(`${file}.away`, file)
    }
  })

  test('starts the broker, and connects by ws:, when they are installed', async () => {
    mkdirSync(join(directory, 'data'))
    link('aedes', 'ws')
    const bin = join(directory, 'node_modules/persist-mqtt/bin/persist-mqtt.js')
    const broker = runProgram(bin, ['broker', '--port', '0', '--ws-port', '0', '--data', 'data'], directory)
    const [, url = ''] = await broker.says(/ and (ws:\S+),/)
    expect(await run('ls', '--json', '--url', url)).toMatchObject({ code: 0 })
    expect(await broker.kill('SIGTERM')).toBe(0)
    unlink('aedes')
    unlink('ws')
  })
})
