import { spawn } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import type { IClientOptions } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { waitForEvent } from '../../helpers/wait.ts'
import { runWithInput } from '../run-program.ts'
import { BIN, Cli } from './cli.ts'
import { openTerminal } from './terminal.ts'

const NOWHERE = 'mqtt://127.0.0.1:1'

function addUser(file: string, name: string, input: string) {
  return runWithInput(BIN, ['broker', '--users', file, '--add-user', name], input)
}

async function startWithUsers(cli: Cli, ...args: string[]) {
  const program = cli.start('broker', '--port', '0', '--ws-port', '0', '--data', 'data', '--users', 'users', ...args)
  const [, url = '', webSocketUrl = ''] = await program.says(/started +(mqtts?:\S+) and (wss?:\S+),/)
  return { program, url, webSocketUrl }
}

describe('broker --add-user', () => {
  test('broker --add-user writes names and hashes, for nobody else to read, and keeps what else is there', async () => {
    const file = join(new Cli(NOWHERE).home, 'users')
    expect(await addUser(file, 'ann', 'first\n')).toEqual({
      code: 0,
      out: '',
      err: 'ann may connect, from the next start of the broker on.\n',
    })
    writeFileSync(file, `# who may connect\n${readFileSync(file, 'utf8')}`, { mode: 0o644 })
    await addUser(file, 'bob', 'secret')
    await addUser(file, 'ann', 'second\r\n')
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^# who may connect\nbob:scrypt\$\S+\nann:scrypt\$\S+\n$/)
    expect(text).not.toMatch(/first|second|secret/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const [name, input, code] of [
      ['carl', '', 4],
      ['carl', '\n', 4],
      ['ca:rl', 'x', 2],
      ['ca rl', 'x', 2],
      ['', 'x', 2],
    ] as const)
      expect([name, (await addUser(file, name, input)).code]).toEqual([name, code])
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect((await addUser(join(file, 'below'), 'ann', 'x')).code).toBe(1)
  })

  test('broker --add-user writes the file that a link leads to, and leaves nothing else behind', async () => {
    const { home } = new Cli(NOWHERE)
    const file = join(home, 'users')
    const link = join(home, 'link')
    await addUser(file, 'ann', 'first')
    symlinkSync(file, link)
    expect((await addUser(link, 'bob', 'second')).code).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(file, 'utf8')).toMatch(/^ann:\S+\nbob:\S+\n$/)
    expect(readdirSync(home).filter((name) => /users|link/.test(name))).toEqual(['link', 'users'])
  })

  test('broker --add-user asks on a terminal, without showing what is typed', async () => {
    const { home } = new Cli(NOWHERE)
    const file = join(home, 'users')
    const terminal = openTerminal(NOWHERE, home, ['broker', '--users', file, '--add-user', 'ann'])
    await terminal.shows(/Password of ann: $/)
    terminal.type('sesamé\x7fex\x7f\r')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).toBe('Password of ann: \r\nann may connect, from the next start of the broker on.\r\n')
    const cli = new Cli(NOWHERE)
    writeFileSync(join(cli.home, 'users'), readFileSync(file))
    const { url } = await startWithUsers(cli)
    await connectClient(url, { username: 'ann', password: 'sesame' })
  })

  test('broker --add-user changes nothing after Ctrl-C', async () => {
    const { home } = new Cli(NOWHERE)
    const terminal = openTerminal(NOWHERE, home, ['broker', '--users', join(home, 'users'), '--add-user', 'ann'])
    await terminal.shows(/Password of ann: $/)
    terminal.type('ses\u0003')
    expect(await terminal.ended()).toBe(4)
    expect(stripVTControlCharacters(terminal.raw())).toBe('Password of ann: \r\npersist-mqtt: Nothing was changed.\r\n')
    expect(existsSync(join(home, 'users'))).toBe(false)
  })

  test('broker --add-user ends with a SIGTERM while it waits for the password', async () => {
    const { home } = new Cli(NOWHERE)
    const child = spawn(process.execPath, [BIN, 'broker', '--users', join(home, 'users'), '--add-user', 'ann'])
    onTestFinished(() => void child.kill('SIGKILL'))
    // More than a pipe holds: when all is gone, it is reading.
    await promisify<string, void>((text, done) => child.stdin.write(text, () => done(null)))('x'.repeat(500_000))
    const closed = waitForEvent(child, 'close', { what: 'its end' })
    child.kill('SIGTERM')
    expect(await closed).toEqual([4, null])
    expect(existsSync(join(home, 'users'))).toBe(false)
  })
})

describe('broker --users', () => {
  test('broker --users lets in who is in the file, over TCP and WebSocket, and nobody else', {
    timeout: 60_000,
  }, async () => {
    const cli = new Cli(NOWHERE)
    await addUser(join(cli.home, 'users'), 'ann', 'sesame')
    const { program, url, webSocketUrl } = await startWithUsers(cli)
    const failures: string[] = []
    for (const address of [url, webSocketUrl]) {
      await connectClient(address, { clientId: 'right', username: 'ann', password: 'sesame' })
      for (const login of [
        { username: 'ann', password: 'Sesame' },
        { username: 'nobody\u001b[2J\u202e', password: 'sesame' },
        { username: 'ann' },
        {},
      ] satisfies IClientOptions[])
        await connectClient(address, { clientId: 'wrong', ...login }).catch((error) => failures.push(error.message))
    }
    expect(failures).toEqual(Array(8).fill('Connection refused: Bad username or password'))
    expect(await program.kill('SIGTERM')).toBe(0)
    const refused = program.stdout().match(/(?<=Z refused {6}).*/g)
    const each = ['wrong as ann', 'wrong as nobody\\u{1b}[2J\\u{202e}', 'wrong as ann', 'wrong'].map(
      (who) => `${who} from 127.0.0.1: wrong user name or password`,
    )
    expect(refused).toEqual([...each, ...each])
    expect(program.stdout()).toContain(' connected    right as ann from 127.0.0.1\n')
    expect(program.stdout()).not.toContain('esame')
    expect(program.stderr()).toBe('')
  })

  test('broker --users holds for stores, over TLS too', { timeout: 60_000 }, async () => {
    const cli = new Cli(NOWHERE)
    await addUser(join(cli.home, 'users'), 'ann', 'sesame')
    const { ca, server } = makeCertificates()
    const tls = ['--tls-cert', server.certFile, '--tls-key', server.keyFile]
    const { url, webSocketUrl } = await startWithUsers(cli, ...tls)
    const options = { name: 'garage', tls: { ca }, username: 'ann', saveOnExit: false }
    for (const address of [url, webSocketUrl]) {
      const pt = await openStore({ ...options, url: address, password: 'sesame' })
      onTestFinished(() => pt.$close().catch(() => {}))
      pt.counter = Number(pt.find('counter', 0)) + 1
      await pt.save()
      await pt.$close()
      const wrong = openStore({ ...options, url: address, password: 'x', openTimeoutMs: 5000 })
      await expect(wrong).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
    }
    const again = await openStore({ ...options, url, password: 'sesame', readOnly: true })
    expect(again.counter).toBe(2)
    await again.$close()
  })

  test('broker --acl says what each of them may read and write', { timeout: 60_000 }, async () => {
    const cli = new Cli(NOWHERE)
    for (const name of ['garage', 'bob']) await addUser(join(cli.home, 'users'), name, 'sesame')
    writeFileSync(join(cli.home, 'acl'), 'pattern read stat/#\npattern readwrite stat/%u/PersistMQTT/#\n')
    expect(await cli.run('broker', '--acl', 'acl')).toMatchObject({ code: 2, err: expect.stringContaining('--users') })
    const { program, url } = await startWithUsers(cli, '--acl', 'acl')
    const topic = 'stat/garage/PersistMQTT'
    const login = { password: 'sesame' }
    const garage = await connectClient(url, { ...login, username: 'garage' })
    const bob = await connectClient(url, { ...login, clientId: 'bob', username: 'bob' })
    await garage.publishAsync(topic, '{"x":1}', { qos: 1, retain: true })
    await bob.publishAsync(topic, '{"x":2}', { qos: 1, retain: true })
    const seen = waitForEvent(bob, 'message', { what: 'the pool' })
    await bob.subscribeAsync(topic)
    expect(String((await seen)[1])).toBe('{"x":1}')
    await program.says(/Z denied {7}bob as bob from 127\.0\.0\.1: it may not write stat\/garage\/PersistMQTT\n/)
  })
})
