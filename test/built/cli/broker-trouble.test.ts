import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor, waitForEvent } from '../../helpers/wait.ts'
import { BIN, Cli } from './cli.ts'

const ARGS = ['broker', '--port', '0', '--ws-port', '0', '--data', 'data']
const URL_STARTED = /started +(mqtt:\S+)/

test('a damaged file is a warning, and what can be read is there', { timeout: 60_000 }, async () => {
  const cli = new Cli('mqtt://127.0.0.1:1')
  const first = cli.start(...ARGS)
  const [, url = ''] = await first.says(URL_STARTED)
  const client = await connectClient(url)
  for (const topic of ['a', 'b', 'c']) await client.publishAsync(topic, `of ${topic}`, { qos: 1, retain: true })
  expect(await first.kill('SIGKILL')).toBe('SIGKILL')
  const file = join(cli.home, 'data', 'retained.log')
  const bytes = readFileSync(file)
  bytes.write('X', bytes.indexOf('of b'))
  writeFileSync(file, bytes)
  const second = cli.start(...ARGS)
  const [, again = ''] = await second.says(URL_STARTED)
  expect((await retainedAt(again, 'c'))?.payload.toString()).toBe('of c')
  expect(await retainedAt(again, 'b')).toBeUndefined()
  const [aside] = readdirSync(join(cli.home, 'data')).filter((name) => name.includes('corrupt'))
  expect(second.stdout()).toMatch(/^\S+Z warning {6}\S+retained\.log is damaged: 2 messages in it could be read/)
  expect(second.stdout()).toContain(`It is kept as it was in ${join(cli.home, 'data', aside ?? '?')}.\n`)
  expect(await second.kill('SIGTERM')).toBe(0)
})

test('a full disk is a warning, and what could not be kept is not acknowledged', { timeout: 60_000 }, async () => {
  const home = temporaryDirectory()
  // No file may become larger than 200 KB: a write then fails as on a full disk.
  const words = [process.execPath, BIN, ...ARGS].map((word) => `'${word}'`).join(' ')
  const child = spawn('bash', ['-c', `ulimit -f 200; exec ${words}`], { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const said = (pattern: RegExp) => waitFor(() => pattern.exec(output) ?? undefined, { what: `${pattern}` })
  const [, url = ''] = await said(URL_STARTED)
  const client = await connectClient(url)
  await client.publishAsync('a', 'small', { qos: 1, retain: true })
  const closed = waitForEvent(client, 'close', { what: 'the end of the connection' })
  let isAcknowledged = false
  client.publish('a', Buffer.alloc(300_000), { qos: 1, retain: true }, (error) => {
    isAcknowledged = error === undefined || error === null
  })
  await closed
  await said(/Z warning {6}The file of retained messages \S+ could not be written \(EFBIG: .*not acknowledged\.\n/)
  expect(isAcknowledged).toBe(false)
  // It goes on, with what it had.
  expect((await retainedAt(url, 'a'))?.payload.toString()).toBe('small')
  const ended = waitForEvent(child, 'close', { what: 'its end' })
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test('strangers may come in: that is a warning', async () => {
  const cli = new Cli('mqtt://127.0.0.1:1')
  // An address that no machine has, so nothing is opened here (RFC 5737).
  const { code, out, err } = await cli.run(...ARGS, '--host', '192.0.2.1')
  const text = 'Everybody who reaches 192.0.2.1 may read and write everything: --users FILE keeps strangers out.'
  expect(code).toBe(1)
  expect(out.replace(/^\S+Z /, '')).toBe(`warning      ${text}\n`)
  expect(err).toMatch(/^persist-mqtt: The broker cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL.*\n$/)
  writeFileSync(join(cli.home, 'users'), '')
  expect(await cli.run(...ARGS, '--host', '192.0.2.1', '--users', 'users')).toMatchObject({ code: 1, out: '' })
})
