import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mosquittoAvailable } from '../../helpers/available.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { startMosquitto } from '../../helpers/mosquitto.ts'
import { connectClient } from '../../helpers/mqtt-client.ts'
import { Cli } from './cli.ts'

const SECRET = 'swordfish'
const NOWHERE = 'mqtt://127.0.0.1:1'

function configured(cli: Cli, config: unknown, mode = 0o600): string {
  const directory = join(cli.home, '.config/persist-mqtt')
  const file = join(directory, 'config.json')
  mkdirSync(directory, { recursive: true })
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
  chmodSync(file, mode)
  return file
}

describe.skipIf(!mosquittoAvailable)('which broker', () => {
  async function guarded() {
    const broker = await startMosquitto({ users: { ann: SECRET } })
    onTestFinished(() => broker.stop())
    const client = await connectClient(broker.url, { username: 'ann', password: SECRET })
    await client.publishAsync('stat/garage/PersistMQTT', '{"x":1}', { qos: 1, retain: true })
    return broker.url
  }

  test('flags, a password file, the environment, and the config file say which broker', async () => {
    const url = await guarded()
    const cli = new Cli(NOWHERE, { MQTT_URL: undefined })
    writeFileSync(join(cli.home, 'password'), `${SECRET}\n`)
    const flags = ['--url', url, '--username', 'ann', '--password-file', 'password']
    expect(await cli.out('get', 'garage', ...flags)).toBe('x  1\n')

    const fromEnvironment = new Cli(url, { MQTT_USERNAME: 'ann', MQTT_PASSWORD: SECRET })
    expect(await fromEnvironment.out('get', 'garage')).toBe('x  1\n')

    const home = { url, username: 'ann', passwordFile: '../../password' }
    configured(cli, { default: 'home', brokers: { home, other: { url: NOWHERE } } })
    expect(await cli.out('get', 'garage')).toBe('x  1\n')
    expect(await cli.out('get', 'garage', '--broker', 'home')).toBe('x  1\n')
    expect((await cli.run('get', 'garage', '--broker', 'other')).code).toBe(1)
    expect(await cli.run('get', 'garage', '-b', 'hom')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has no broker hom. Do you mean home?'),
    })
  })

  test('a client id is given where the broker lets only certain ones in, to commands with one connection', async () => {
    const broker = await startMosquitto({ config: ['clientid_prefixes ours-'] })
    onTestFinished(() => broker.stop())
    const client = await connectClient(broker.url, { clientId: 'ours-0' })
    await client.publishAsync('stat/garage/PersistMQTT', '{"x":0}', { qos: 1, retain: true })
    const cli = new Cli(broker.url)
    expect(await cli.run('ls')).toMatchObject({ code: 1, err: expect.stringContaining('not authorized') })
    configured(cli, { brokers: { home: { url: broker.url, clientId: 'ours-2' } } })
    for (const flags of [
      ['--client-id', 'ours-1'],
      ['--broker', 'home'],
    ]) {
      expect(await cli.out('set', 'garage', 'x', '1', ...flags)).toContain('written directly')
      expect(await cli.out('get', 'garage', 'x', ...flags)).toBe('1\n')
      const { code, err } = await cli.run('inspect', ...flags)
      expect([code, err]).toEqual([2, expect.stringContaining('several connections')])
    }
  })

  test('the password of one broker is not sent to another one', async () => {
    const url = await guarded()
    const cli = new Cli(url, { MQTT_PASSWORD: undefined })
    configured(cli, { default: 'home', brokers: { home: { url: NOWHERE, username: 'ann', password: SECRET } } })
    for (const args of [[], ['--url', url]]) {
      const { code, err } = await cli.run('get', 'garage', ...args)
      expect([code, err]).toEqual([1, expect.stringContaining('not authorized')])
    }
  })

  test('the password of the environment is not sent where another broker is named', async () => {
    const [home, other] = [await guarded(), await guarded()]
    const cli = new Cli(home, { MQTT_USERNAME: 'ann', MQTT_PASSWORD: SECRET })
    configured(cli, { brokers: { other: { url: other }, ann: { url: other, username: 'ann', password: SECRET } } })
    const denied = { code: 1, err: expect.stringContaining('not authorized') }
    expect(await cli.run('get', 'garage', '--broker', 'other')).toMatchObject(denied)
    expect(await cli.run('copy', 'garage', 'attic', '--to-broker', 'other')).toMatchObject(denied)
    expect(await cli.run('copy', 'garage', 'attic', '--to-url', other)).toMatchObject(denied)
    expect(await cli.out('copy', 'garage', 'attic', '--to-broker', 'ann')).toContain('is copied to attic at')
    const withUser = other.replace('//', `//ann:${SECRET}@`)
    expect(await cli.out('copy', 'garage', 'shed', '--to-url', withUser)).not.toContain(SECRET)
    const twice = await cli.run('copy', 'garage', 'attic', '--to-broker', 'ann', '--to-url', other)
    expect(twice).toMatchObject({ code: 2, err: expect.stringContaining('not both') })
  })

  test('a user in a url counts before the environment', async () => {
    const url = await guarded()
    const cli = new Cli(url.replace('//', `//ann:${SECRET}@`), { MQTT_USERNAME: 'bob', MQTT_PASSWORD: 'wrong' })
    expect(await cli.out('get', 'garage')).toBe('x  1\n')
  })

  test('no password is ever shown', async () => {
    const url = await guarded()
    const withPassword = url.replace('://', `://ann:${SECRET}x@`)
    const cli = new Cli(withPassword)
    const file = configured(cli, { brokers: { home: { url, username: 'ann', password: `${SECRET}x` } } }, 0o644)
    const all = [
      await cli.run('ls', '--debug'),
      await cli.run('get', 'garage', '--url', withPassword, '--debug'),
      await cli.run('get', 'garage', '--broker', 'home', '--debug'),
      await cli.run('get', 'garage', '--url', `mqtt://ann:${SECRET}@[`, '--debug'),
    ]
    for (const { code, out, err } of all) {
      expect(code).not.toBe(0)
      expect(out + err).not.toContain(SECRET)
    }
    expect(all[2]?.err).toContain(`Warning: others can read the passwords in ${file}; chmod 600 it.`)
  })

  test('nobody can see a password in the list of processes', async () => {
    // It is frozen, so that the command is there to be looked at.
    const broker = await startMosquitto()
    onTestFinished(() => broker.stop())
    const pid = broker.pid() as number
    process.kill(pid, 'SIGSTOP')
    onTestFinished(() => void process.kill(pid, 'SIGCONT'))
    const cli = new Cli(NOWHERE)
    const program = cli.start('ls', '--url', broker.url.replace('://', `://ann:${SECRET}@`), '--timeout', '3')
    const title = () => readFileSync(`/proc/${program.pid}/cmdline`, 'utf8').split('\0')[0]
    await expect.poll(title, { timeout: 5000 }).toBe('persist-mqtt ls')
    expect(readFileSync(`/proc/${program.pid}/cmdline`, 'utf8')).not.toContain(SECRET)
    expect(await program.ended()).toBe(1)
    expect(program.stderr()).toContain('could not be opened within 3000 ms')
  })

  test('TLS is spoken with certificates in files', async () => {
    const certificates = makeCertificates()
    const broker = await startMosquitto({ certificates, requireCertificate: true })
    onTestFinished(() => broker.stop())
    const { caFile, client } = certificates
    const url = broker.url.replace('127.0.0.1', 'localhost')
    const cli = new Cli(url)
    const files = ['--ca', caFile, '--cert', client.certFile, '--key', client.keyFile]
    expect((await cli.run('ls', ...files)).code).toBe(0)
    expect(await cli.run('ls')).toMatchObject({ code: 1, err: expect.stringContaining('certificate') })
    expect(await cli.run('ls', '--ca', 'nowhere.pem')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nowhere\.pem cannot be read: ENOENT/),
    })
  })
})

test.each([
  ['{', 'it is not JSON'],
  ['[]', undefined],
  ['{"brokers":5}', '"brokers" must be an object'],
  ['{"default":5}', '"default" must be the name of a broker'],
  ['{"brokers":{"a":1}}', 'the broker "a" must be an object'],
  ['{"brokers":{"a":{"ulr":"x"}}}', 'has "ulr", which is none of url, username'],
  ['{"brokers":{"a":{"url":5}}}', '"url" of the broker "a" must be a string'],
])('a config file that is wrong: %s', async (content, reason) => {
  const cli = new Cli(NOWHERE)
  const file = configured(cli, content)
  const { code, err } = await cli.run('ls')
  expect(code).toBe(1)
  if (reason !== undefined) expect(err).toContain(`${file}: `)
  if (reason !== undefined) expect(err).toContain(reason)
})

describe('calling it wrongly', () => {
  const cli = new Cli(NOWHERE)

  test.each([
    [['gte'], 'There is no command gte. Do you mean get?'],
    [['frobnicate'], 'There is no command frobnicate. persist-mqtt --help lists them.'],
    [['get'], 'More is needed: persist-mqtt get NAME [VARIABLE[.PATH]]'],
    [['get', 'a', 'b', 'c'], 'That is too much: persist-mqtt get NAME [VARIABLE[.PATH]]'],
    [['ls', '--jsn'], 'There is no flag --jsn. Do you mean --json?'],
    [['ls', '--quux'], 'There is no flag --quux.'],
    [['ls', '-x'], 'There is no flag -x.'],
    [['ls', '--url'], "Option '-u, --url <value>' argument missing"],
    [['ls', '--json=5'], "Option '--json' does not take an argument"],
    [['ls', '--timeout', 'soon'], '--timeout must be a number of seconds.'],
    [['ls', '--url', 'http://x'], 'Option url: it must be like mqtt://host:1883, with mqtt:, mqtts:, ws: or wss:.'],
    [['ls', '--topic', 'stat/x'], expect.stringMatching(/^Option topic: to find pools it must have \{name\}/)],
    [['ls', '--broker', 'home'], 'There is no broker home: no config file is there. docs/cli.md has an example.'],
  ] as [string[], unknown][])('%j', async (args, message) => {
    const { code, out, err } = await cli.run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err.replace(/^persist-mqtt: |\n$/g, '')).toEqual(message)
  })

  test('without a command the help is an error, and asked for it is not', async () => {
    const asked = await cli.run('--help')
    expect(asked).toMatchObject({ code: 0, err: '' })
    expect(await cli.run()).toEqual({ code: 2, out: '', err: asked.out })
    expect(await cli.run('help', 'get')).toEqual(await cli.run('get', '--help'))
    expect(await cli.out('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('an error is a line or two, and with --debug tells where it comes from', async () => {
    const plain = await cli.run('ls')
    expect(plain).toEqual({
      code: 1,
      out: '',
      err:
        `persist-mqtt: Store ${NOWHERE}: no connection to the broker, nothing listens on port 1 of 127.0.0.1 (ECONNREFUSED). ` +
        'Start the broker, or correct option url.\n',
    })
    expect((await cli.run('ls', '--debug')).err).toMatch(/\n {4}at .*\nCaused by: /s)
  })
})
