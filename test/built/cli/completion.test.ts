import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { COMMANDS } from '../../../src/cli/command-table.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { BIN, Cli } from './cli.ts'

const cli = new Cli('mqtt://127.0.0.1:1')

describe('completion', () => {
  test('bash completes commands, flags, and names of pools', { timeout: 60_000 }, async () => {
    const directory = temporaryDirectory()
    const bin = mkdtempSync(join(directory, 'bin'))
    symlinkSync(BIN, join(bin, 'persist-mqtt'))
    const file = join(directory, 'completion.bash')
    writeFileSync(file, await cli.out('completion', 'bash'))
    writeFileSync(join(directory, 'backup.json'), '')
    let url = 'mqtt://127.0.0.1:1'
    if (mosquittoAvailable) {
      const broker = await startMosquitto()
      onTestFinished(() => broker.stop())
      url = broker.url
      const client = await connectClient(url)
      for (const name of ['garage', 'garden', 'attic'])
        await client.publishAsync(`stat/${name}/PersistMQTT`, '{}', { qos: 1, retain: true })
    }
    const completed = (...words: string[]) => {
      const script =
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _persist_mqtt; printf "%s\\n" "$' +
        '{COMPREPLY[@]}"'
      const env = { PATH: `${bin}:${process.env.PATH}`, HOME: directory, MQTT_URL: url }
      const output = execFileSync('bash', ['-c', script, 'bash', file, 'persist-mqtt', ...words], {
        env,
        cwd: directory,
        encoding: 'utf8',
      })
      return output.split('\n').filter((word) => word !== '')
    }
    expect(completed('')).toEqual([...COMMANDS.map(({ name }) => name), '--help', '--version'])
    expect(completed('com')).toEqual(['completion'])
    expect(completed('zero', '--y')).toEqual(['--yes'])
    expect(completed('get', 'garage', '--js')).toEqual(['--json'])
    expect(completed('import', 'back')).toEqual(['backup.json'])
    expect(completed('export', '-o', 'back')).toEqual(['backup.json'])
    expect(completed('completion', 'z')).toEqual(['zsh'])
    if (mosquittoAvailable) expect(completed('get', 'gar')).toEqual(['garage', 'garden'])
  })

  // Where the shell is not installed, that the script has every command is all that can be seen.
  test.each(['zsh', 'fish'])('%s has every command, and takes the script', async (shell) => {
    const script = await cli.out('completion', shell)
    for (const { name } of COMMANDS) expect(script).toMatch(new RegExp(`(^ {4}${name}\\)$|-a ${name} )`, 'm'))
    const file = join(temporaryDirectory(), 'completion')
    writeFileSync(file, script)
    const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    if (checked.error === undefined) expect([checked.status, checked.stderr]).toEqual([0, ''])
  })

  test('other shells are not known', async () => {
    expect(await cli.run('completion', 'tcsh')).toEqual({
      code: 2,
      out: '',
      err: 'persist-mqtt: There is no script for tcsh: bash, zsh or fish.\n',
    })
  })
})
