import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../../helpers/certificates.ts'
import { connectClient, poolTextAt } from '../../helpers/mqtt-client.ts'
import type { Program } from '../run-program.ts'
import { Cli } from './cli.ts'

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

  test('the broker keeps what it was given, also through kill -9, and logs like a server', {
    timeout: 60_000,
  }, async () => {
    const first = cli.start('broker', ...PORTS, '--data', 'data')
    const { url, webSocketUrl } = await addressOf(first)
    const client = await connectClient(url, { clientId: 'ann\u202e' })
    await client.publishAsync('stat/garage/PersistMQTT', '{"x":1}', { qos: 1, retain: true })
    await first.says(/connected +ann/)
    expect(await first.kill('SIGKILL')).toBe('SIGKILL')

    const second = cli.start('broker', ...PORTS, '--data', 'data')
    const again = await addressOf(second)
    expect(await poolTextAt(again.webSocketUrl, 'stat/garage/PersistMQTT')).toBe('{"x":1}')
    await second.says(/disconnected/)
    expect(await second.kill('SIGINT')).toBe(0)
    expect(logOf(first)).toEqual([
      `started      ${url} and ${webSocketUrl}, 0 retained messages in data`,
      'connected    ann\\u{202e} from 127.0.0.1',
    ])
    expect(logOf(second)).toEqual([
      `started      ${again.url} and ${again.webSocketUrl}, 1 retained message in data`,
      expect.stringMatching(/^connected {4}mqttjs_\w+ from 127\.0\.0\.1$/),
      expect.stringMatching(/^disconnected mqttjs_\w+ from 127\.0\.0\.1$/),
      'stopped      Everything is on disk.',
    ])
  })

  test('the broker logs as JSON, a line for each event', async () => {
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
        host: '127.0.0.1',
        restored: 0,
        directory: 'json',
      },
      { time, event: 'stopped', text: 'Everything is on disk.' },
    ])
  })

  test('the broker speaks TLS', async () => {
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

  test('what the broker cannot do is told in one line', { timeout: 60_000 }, async () => {
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
        1,
        /^persist-mqtt: bad-users, line 1: it must be name:hash\. persist-mqtt broker --users/,
      ],
      [['--users', 'nowhere'], 1, /^persist-mqtt: nowhere cannot be read: ENOENT/],
      [['--tls-cert', server.certFile], 2, /^persist-mqtt: --tls-cert and --tls-key go together\./],
      [
        ['--tls-cert', server.certFile, '--tls-key', other.keyFile, '--data', 'new'],
        1,
        /^persist-mqtt: The broker cannot speak TLS: /,
      ],
      [['--port', '70000'], 2, /^persist-mqtt: --port must be a port: a whole number from 0 to 65535\.$/m],
      [['--port', '1.5'], 2, /^persist-mqtt: --port must be a port/],
      [['--hots', 'x'], 2, /^persist-mqtt: There is no flag --hots\. Do you mean --host\?/],
    ] as [string[], number, RegExp][]) {
      const all = args.includes('--port') ? ['--ws-port', '0', ...args] : [...PORTS, ...args]
      const ended = await cli.run('broker', ...all)
      expect([args, ended.code, ended.err]).toEqual([args, code, expect.stringMatching(text)])
      expect(ended.err.split('\n')).toHaveLength(2)
    }
  })
})
