import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../../helpers/certificates.ts'
import { connectClient, retainedAt } from '../../helpers/mqtt-client.ts'
import type { Program } from '../run-program.ts'
import { runWithInput } from '../run-program.ts'
import { BIN, Cli } from './cli.ts'

const PORTS = ['--port', '0', '--ws-port', '0']

async function addressOf(program: Program): Promise<{ url: string; webSocketUrl: string }> {
  const [, url = '', webSocketUrl = ''] = await program.says(/started +(mqtts?:\S+) and (wss?:\S+),/)
  return { url, webSocketUrl }
}

/** Its log without times and random ids. */
function logOf(program: Program): string[] {
  return program
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, ''))
}

describe('broker', () => {
  const cli = new Cli('mqtt://127.0.0.1:1')

  test('keeps what it was given, also through kill -9, and logs like a server', { timeout: 60_000 }, async () => {
    const first = cli.start('broker', ...PORTS, '--data', 'data')
    const { url, webSocketUrl } = await addressOf(first)
    const client = await connectClient(url, { clientId: 'ann\u202e' })
    await client.publishAsync('stat/garage/PersistMQTT', '{"x":1}', { qos: 1, retain: true })
    await first.says(/connected +ann/)
    expect(await first.kill('SIGKILL')).toBe('SIGKILL')

    const second = cli.start('broker', ...PORTS, '--data', 'data')
    const again = await addressOf(second)
    expect((await retainedAt(again.webSocketUrl, 'stat/garage/PersistMQTT'))?.payload.toString()).toBe('{"x":1}')
    await second.says(/disconnected/)
    expect(await second.kill('SIGINT')).toBe(0)
    expect(logOf(first)).toEqual([
      `started      ${url} and ${webSocketUrl}, 0 retained messages in data`,
      'connected    ann\\u{202e}',
    ])
    expect(logOf(second)).toEqual([
      `started      ${again.url} and ${again.webSocketUrl}, 1 retained message in data`,
      expect.stringMatching(/^connected {4}mqttjs_/),
      expect.stringMatching(/^disconnected mqttjs_/),
      'stopped      Everything is on disk.',
    ])
  })

  test('as JSON, a line for each event', async () => {
    const program = cli.start('broker', ...PORTS, '--data', 'json', '--json')
    await program.says(/"started".*\n/)
    expect(await program.kill('SIGTERM')).toBe(0)
    const time = expect.any(String)
    expect(
      program
        .stdout()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        time,
        event: 'started',
        url: expect.any(String),
        webSocketUrl: expect.any(String),
        restored: 0,
        directory: 'json',
      },
      { time, event: 'stopped', text: 'Everything is on disk.' },
    ])
  })

  test('lets in who is in its file of users, and nobody else', { timeout: 60_000 }, async () => {
    const file = join(cli.home, 'users')
    const add = (name: string, password: string) =>
      runWithInput(BIN, ['broker', '--users', file, '--add-user', name], password)
    expect(await add('ann', 'first\n')).toEqual({
      code: 0,
      out: '',
      err: 'ann may connect, from the next start of the broker on.\n',
    })
    await add('bob', 'secret')
    await add('ann', 'second\n')
    expect(readFileSync(file, 'utf8')).toMatch(/^bob:scrypt\$\S+\nann:scrypt\$\S+\n$/)
    expect(readFileSync(file, 'utf8')).not.toMatch(/second|secret/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await add('carl', '')).toMatchObject({ code: 4 })
    expect(await add('ca:rl', 'x')).toMatchObject({ code: 2 })

    const program = cli.start('broker', ...PORTS, '--data', 'users-data', '--users', file)
    const { url } = await addressOf(program)
    const login = async (username?: string, password?: string) => {
      const options = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
      const client = await connectAsync(
        url,
        { reconnectPeriod: 0, protocolVersion: 4, clientId: 'me', ...options },
        false,
      ).catch((error: { code?: number }) => error.code)
      if (typeof client !== 'object') return client
      await client.endAsync()
      return 'in'
    }
    expect(await login('ann', 'second')).toBe('in')
    expect(await login('bob', 'secret')).toBe('in')
    expect(await login('ann', 'first')).toBe(4)
    expect(await login('bob', 'second')).toBe(4)
    expect(await login('nobody', 'secret')).toBe(4)
    expect(await login()).toBe(4)
    await program.says(/refused +me\n/)
    expect(program.stdout()).toMatch(/refused +me as nobody\n/)
    expect(program.stdout()).not.toMatch(/second|secret/)
  })

  test('speaks TLS', async () => {
    const { caFile, server } = makeCertificates()
    const program = cli.start(
      'broker',
      ...PORTS,
      '--data',
      'tls',
      '--tls-cert',
      server.certFile,
      '--tls-key',
      server.keyFile,
    )
    const { url, webSocketUrl } = await addressOf(program)
    expect([url, webSocketUrl]).toEqual([expect.stringMatching(/^mqtts:/), expect.stringMatching(/^wss:/)])
    for (const address of [url, webSocketUrl]) {
      const there = new Cli(address.replace('127.0.0.1', 'localhost'))
      expect(await there.run('ls', '--ca', caFile)).toMatchObject({ code: 0 })
      expect(await there.run('ls')).toMatchObject({ code: 1 })
    }
    // One that speaks no TLS at all does no harm.
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    socket.end('GET / HTTP/1.1\r\n\r\n')
    await once(socket.resume(), 'close')
    expect(await program.kill('SIGINT')).toBe(0)
  })

  test('what it cannot do is one line', { timeout: 60_000 }, async () => {
    const { server } = makeCertificates()
    const other = makeCertificates().server
    const running = cli.start('broker', ...PORTS, '--data', 'taken')
    const { url } = await addressOf(running)
    const { port } = new URL(url)
    writeFileSync(join(cli.home, 'bad-users'), 'ann:secret\n')
    mkdirSync(join(cli.home, 'closed'))
    chmodSync(join(cli.home, 'closed'), 0o500)
    for (const [args, code, text] of [
      [['--data', 'taken'], 1, /^persist-mqtt: The data directory .*taken is in use by the process \d+\./],
      [
        ['--port', port, '--data', 'new'],
        1,
        /^persist-mqtt: The broker cannot listen on 127\.0\.0\.1:\d+: .*Another program listens there/,
      ],
      [
        ['--users', 'bad-users'],
        2,
        /^persist-mqtt: bad-users, line 1: it must be name:hash\. persist-mqtt broker --users/,
      ],
      [['--users', 'nowhere'], 1, /^persist-mqtt: nowhere cannot be read: ENOENT/],
      [['--tls-cert', server.certFile], 2, /^persist-mqtt: --tls-cert and --tls-key go together\./],
      [
        ['--tls-cert', server.certFile, '--tls-key', other.keyFile, '--data', 'new'],
        2,
        /^persist-mqtt: The broker cannot speak TLS: /,
      ],
      [['--port', '70000'], 2, /^persist-mqtt: --port must be a number from 0 to 65535\./],
    ] as [string[], number, RegExp][]) {
      const all = args.includes('--port') ? ['--ws-port', '0', ...args] : [...PORTS, ...args]
      const ended = await cli.run('broker', ...all)
      expect([args, ended.code, ended.err]).toEqual([args, code, expect.stringMatching(text)])
      expect(ended.err.split('\n')).toHaveLength(2)
    }
  })
})

describe('update', () => {
  /** A program called npm, first on the PATH, that answers like it. */
  function withNpm(script: string): Cli {
    const cli = new Cli('mqtt://127.0.0.1:1')
    const bin = join(cli.home, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return new Cli('mqtt://127.0.0.1:1', { PATH: `${bin}:${process.env.PATH}` })
  }

  test('tells the latest version, and how to install it', async () => {
    const newer = withNpm('echo 99.0.1')
    const current = (await newer.out('--version')).trim()
    const command = 'npm install persist-mqtt@99.0.1'
    expect(await newer.run('update')).toEqual({
      code: 0,
      out: `99.0.1 is published, this is ${current}. To install it:\n  ${command}\n`,
      err: '',
    })
    expect(JSON.parse(await newer.out('update', '--json'))).toEqual({ current, latest: '99.0.1', newer: true, command })
    expect(await withNpm(`echo ${current}`).out('update')).toBe(`${current} is the latest version.\n`)
  })

  test('or why it could not be asked for', async () => {
    const { code, err } = await withNpm('echo no network >&2; exit 1').run('update')
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^persist-mqtt: The latest version of persist-mqtt could not be asked for: /),
    ])
  })
})
