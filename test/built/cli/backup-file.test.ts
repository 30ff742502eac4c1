import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mayMount, smallDisk } from '../../backends/file/fixture.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { Cli } from './cli.ts'

const mounts = mayMount()

async function started(text = '{"a":1}') {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  await client.publishAsync('stat/garage/PersistMQTT', text, { qos: 1, retain: true })
  const cli = new Cli(broker.url)
  return { cli, file: (name: string) => join(cli.home, name) }
}

describe.skipIf(!mosquittoAvailable)('the file of a backup', () => {
  test.skipIf(!mounts)('the file of a backup is whole, or as it was, however full the disk is', async () => {
    const { cli } = await started(JSON.stringify({ x: 'y'.repeat(30_000) }))
    const disk = smallDisk('64k')
    const [filler, path] = [join(disk.path, 'filler'), join(disk.path, 'b.json')]
    writeFileSync(path, 'as it was')
    // With some of these sizes a part of the backup fits, and the system takes it without a complaint.
    for (const kilobytes of [24, 44, 48, 52, 56, 58]) {
      writeFileSync(filler, 'z'.repeat(kilobytes * 1024))
      const ended = await cli.run('export', '-o', path)
      if (ended.code === 0) {
        expect(await cli.run('import', path, '--dry-run')).toMatchObject({ code: 0, out: 'garage: no change\n' })
        writeFileSync(path, 'as it was')
      } else {
        expect(ended).toEqual({
          code: 1,
          out: '',
          err: expect.stringMatching(
            /^persist-mqtt: .*b\.json cannot be written: ENOSPC: no space left on device.*\n$/,
          ),
        })
        expect(readFileSync(path, 'utf8')).toBe('as it was')
      }
      expect(readdirSync(disk.path).toSorted()).toEqual(['b.json', 'filler'])
    }
  })

  test('the file of a backup never takes the place of a device or a link', async () => {
    const { cli, file } = await started()
    execFileSync('mkfifo', [file('pipe')])
    expect(await cli.run('export', '-o', 'pipe')).toEqual({
      code: 1,
      out: '',
      err: 'persist-mqtt: pipe cannot be written: it is there, and no file. Write it with > instead\n',
    })
    expect(lstatSync(file('pipe')).isFIFO()).toBe(true)
    writeFileSync(file('real.json'), '')
    chmodSync(file('real.json'), 0o640)
    symlinkSync('real.json', file('link.json'))
    expect((await cli.run('export', '-o', 'link.json')).code).toBe(0)
    expect(lstatSync(file('link.json')).isSymbolicLink()).toBe(true)
    expect(lstatSync(file('real.json')).mode & 0o777).toBe(0o640)
    expect((await cli.run('import', 'real.json', '--dry-run')).out).toBe('garage: no change\n')
  })

  test('the file of a backup that cannot be written stays as it was', async () => {
    const { cli, file } = await started()
    mkdirSync(file('folder.json'))
    expect(await cli.run('export', '-o', 'folder.json')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^persist-mqtt: folder\.json cannot be written: it is there, and no file/),
    })
    expect(await cli.run('export', '-o', 'nowhere/b.json')).toMatchObject({
      code: 1,
      err: expect.stringContaining('nowhere/b.json cannot be written: ENOENT'),
    })
    // A device that is always full.
    writeFileSync(file('b.json'), 'as it was')
    expect(await cli.run('export', '-o', '/dev/full/b.json')).toMatchObject({ code: 1 })
    expect(readFileSync(file('b.json'), 'utf8')).toBe('as it was')
  })
})
