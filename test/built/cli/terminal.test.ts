import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { startDelayProxy } from '../../helpers/delay-proxy.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient, poolTextAt, retainedAt } from '../../helpers/mqtt-client.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor } from '../../helpers/wait.ts'
import { runWithInput } from '../run-program.ts'
import { BIN, Cli } from './cli.ts'
import { openTerminal } from './terminal.ts'

const TOPIC = 'stat/garage/PersistMQTT'

async function started(pool?: string) {
  const broker = await startMosquitto()
  onTestFinished(() => broker.stop())
  const client = await connectClient(broker.url)
  const put = (text: string, topic = TOPIC) => client.publishAsync(topic, text, { qos: 1, retain: true })
  if (pool !== undefined) await put(pool)
  const home = temporaryDirectory()
  const open = (...args: string[]) => openTerminal(broker.url, home, args)
  const kept = () => poolTextAt(broker.url, TOPIC)
  return { url: broker.url, home, put, open, kept }
}

describe.skipIf(!mosquittoAvailable)('on a terminal', { timeout: 60_000 }, () => {
  test('a question is asked on a terminal, and the answer counts', async () => {
    const { open, kept } = await started('{"a":1,"b":2}')
    for (const answer of ['n\r', '\r', '\u0003']) {
      const refused = open('zero', 'garage')
      await refused.shows(/garage loses 2 variables for good\. Go on\? \[y\/N\] /)
      refused.type(answer)
      expect(await refused.ended()).toBe(4)
      expect(await kept()).toBe('{"a":1,"b":2}')
    }
    const done = open('zero', 'garage')
    await done.shows(/\[y\/N\] /)
    done.type('y\r')
    expect(await done.ended()).toBe(0)
    expect(await kept()).toBe('{}')
  })

  test('a terminal gets colours, and none with NO_COLOR or in a pipe', async () => {
    const { url, open, home, put } = await started('{"a":1}')
    const terminal = open('get', 'garage')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).toContain('\u001b[36ma\u001b[39m')
    expect(await new Cli(url).out('get', 'garage')).toBe('a  1\n')
    const plain = openTerminal(url, home, ['get', 'garage', '--json'])
    expect(await plain.ended()).toBe(0)
    expect(plain.raw()).toBe('{"a":1}\r\n')
    await put('{"a":"\u009b31m\u202e"}')
    const hostile = openTerminal(url, home, ['get', 'garage', '--json'])
    expect(await hostile.ended()).toBe(0)
    expect(hostile.raw()).toBe('{"a":"\\u009b31m\\u202e"}\r\n')
  })

  test('long work shows how far it is, and clears that away', async () => {
    const { url, open, put, home } = await started()
    const text = 'x'.repeat(2000)
    for (let index = 0; index < 400; index++) await put(`{"x":"${text}"}`, `stat/p${index}/PersistMQTT`)
    expect(await open('export', '-o', join(home, 'b.json')).ended()).toBe(0)
    const proxy = await startDelayProxy({ target: url, delayMs: 20 })
    onTestFinished(() => proxy.close())
    for (let index = 0; index < 400; index++) await put(`{"x":0,"y":1}`, `stat/p${index}/PersistMQTT`)
    const terminal = open('import', join(home, 'b.json'), '--yes', '--url', proxy.url)
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).toMatch(/Restoring pools \[#+-+\] \d+\/400/)
    expect(terminal.raw().endsWith('\r\u001b[K400 pools restored, 0 pools as in the backup already.\r\n')).toBe(true)
  })

  test('a password is not shown while it is typed', async () => {
    const { open, home } = await started()
    const file = join(home, 'users')
    const terminal = open('broker', '--users', file, '--add-user', 'ann')
    await terminal.shows(/Password of ann: /)
    terminal.type('swordfisj\u007fh\r')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).not.toContain('fis')
    expect(readFileSync(file, 'utf8')).toMatch(/^ann:scrypt\$/)
  })

  test('the console completes, remembers, and shows what others change', async () => {
    const { open, put, kept, home } = await started('{"counter":5,"a b":1}')
    const terminal = open('repl', 'garage')
    await terminal.shows(/garage: 2 variables\. Nobody owns it.*garage> /s)
    terminal.type('pt.cou')
    await terminal.shows(/pt\.cou/)
    terminal.type('\t')
    await terminal.shows(/pt\.counter/)
    terminal.type(' += 1\r')
    await terminal.shows(/\n6\r?\n/)
    terminal.type('await pt.save(), "saved"\r')
    await terminal.shows(/\n'saved'/)
    expect(await kept()).toBe('{"counter":6,"a b":1}')
    await put('{"counter":6,"a b":"\\u001b[2J"}')
    await terminal.shows(/a b {2}1 → "\\u001b\[2J"/)
    terminal.type('pt.save = 1\r')
    await terminal.shows(/Uncaught ERR_PERSIST_RESERVED_NAME: No variable can be called "save"/)
    expect(terminal.raw()).not.toMatch(/\n +at /)
    terminal.type('pt.unsaved = true\r')
    await terminal.shows(/\ntrue/)
    terminal.type('.exit\r')
    await terminal.shows(/Saved\./)
    expect(await terminal.ended()).toBe(0)
    expect(JSON.parse((await kept()) ?? '')).toMatchObject({ counter: 6, unsaved: true })
    const history = join(home, '.local/state/persist-mqtt/history')
    await waitFor(() => readFileSync(history, 'utf8').includes('pt.counter += 1'), { what: 'the history' })
    expect(statSync(history).mode & 0o777).toBe(0o600)
  })
})

describe.skipIf(!mosquittoAvailable)('the console in a pipe', () => {
  test('the console in a pipe runs line by line', async () => {
    const { url, kept } = await started('{"counter":5}')
    const run = (input: string, ...more: string[]) =>
      runWithInput(BIN, ['repl', 'garage', ...more], input, { MQTT_URL: url })
    expect(await run('pt.counter += 1\npt.list = [1]\nawait pt.save()\npt\n')).toEqual({
      code: 0,
      out: '6\n[ 1 ]\n{ counter: 6, list: [ 1 ] }\n',
      err: '',
    })
    expect(await kept()).toBe('{"counter":6,"list":[1]}')
    expect(await run('pt.counter = new Date()\n')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^Uncaught ERR_PERSIST_NOT_STORABLE: .*\n$/),
    })
  })

  test('the console leaves a pool to the program that owns it, unless it is to be taken over', async () => {
    const { url, kept } = await started()
    const pt = await openStore({ url, name: 'garage', saveOnExit: false })
    onTestFinished(() => pt.$close().catch(() => {}))
    pt.counter = 1
    await pt.save()
    await waitFor(() => retainedAt(url, `${TOPIC}/owner`), { what: 'the owner to say that it is one' })
    const run = (input: string, ...more: string[]) =>
      runWithInput(BIN, ['repl', 'garage', ...more], input, { MQTT_URL: url })
    expect(await run('pt.counter\npt.counter = 2\n')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^1\nUncaught ERR_PERSIST_READ_ONLY: /),
    })
    expect(await run('await editor.increment("counter", 4)\n')).toMatchObject({
      code: 0,
      out: "{ way: 'owner', value: 5 }\n",
    })
    expect([pt.counter, pt.$status.state]).toEqual([5, 'ready'])
    pt.$on('error', () => {})
    expect(await run('pt.counter = 9\nawait pt.save()\n', '--own')).toMatchObject({ code: 0 })
    // The program is read-only now, or the owner again, since the console has ended.
    expect(JSON.parse((await kept()) ?? '')).toEqual({ counter: 9 })
  })
})
