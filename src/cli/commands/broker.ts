import { lookup } from 'node:dns/promises'
import { AccessList } from '../../broker/access-list.ts'
import { type BrokerLimits, DEFAULT_LIMITS } from '../../broker/limits.ts'
import type { BrokerOptions } from '../../broker/start-broker.ts'
import { hashedPassword, Users } from '../../broker/users-file.ts'
import { aborted } from '../../runtime/promises.ts'
import { fileText, replaceFile } from '../backup-file.ts'
import { type BrokerEvent, logLine } from '../broker-log.ts'
import type { Context } from '../command.ts'
import { embeddedBroker } from '../embedded-broker.ts'
import { portOf, tlsOf } from '../flags.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../io.ts'
import { printable } from '../print.ts'
import { askSecret } from '../secret.ts'

/** `persist-mqtt broker`: the embedded broker, as a server. */
export async function broker(context: Context): Promise<ExitCode> {
  const { io } = context
  const file = context.value('users')
  const name = context.value('add-user')
  if (name !== undefined) return addUser(context, file, name)
  // Read first: then a signal during the start ends the command in order, too.
  const { signal } = io
  const log = (event: BrokerEvent) => io.out(logLine(event, new Date(), context.has('json')))
  const host = context.value('host') ?? '127.0.0.1'
  const directory = context.value('data') ?? '.persist-mqtt'
  const ports = { port: portOf(context, 'port', 1883), webSocketPort: portOf(context, 'ws-port', 9001) }
  const tls = await tlsOf(context)
  const users = file === undefined ? undefined : Users.read(await fileText(file), file)
  const list = context.value('acl')
  if (list !== undefined && users === undefined)
    throw usageError('--acl needs --users FILE: else anybody may be any user.')
  const access = list === undefined ? undefined : AccessList.read(await fileText(list), list)
  const options: BrokerOptions = {
    directory,
    host,
    ...ports,
    ...limitsOf(context),
    allowOrigins: context.all('allow-origin'),
    allowHosts: context.all('allow-host'),
    onWarning: (text) => log({ event: 'warning', text }),
    onClient: ({ kind, ...facts }) => log({ event: kind, ...facts }),
    ...(users && { mayConnect: (...login) => users.mayConnect(...login) }),
    ...(access && { access }),
    ...(tls && { tls }),
  }
  const start = await embeddedBroker('broker')
  if (users === undefined && !(await isLoopback(host))) {
    const text = `Everybody who reaches ${host} may read and write everything: --users FILE keeps strangers out.`
    log({ event: 'warning', text })
  }
  const running = await start(options)
  const { url, webSocketUrl, restored } = running
  log({ event: 'started', url, webSocketUrl, host, directory, restored })
  await aborted(signal)
  await running.close()
  log({ event: 'stopped', text: 'Everything is on disk.' })
  return EXIT.ok
}

function limitsOf(context: Context): BrokerLimits {
  const given = (flag: string, fallback: number) =>
    Math.floor(context.number(flag, { least: 1, most: 2 ** 31, fallback }))
  return {
    maxPacketBytes: given('max-packet', DEFAULT_LIMITS.maxPacketBytes),
    maxConnections: given('max-connections', DEFAULT_LIMITS.maxConnections),
    maxQueueBytes: given('max-queue', DEFAULT_LIMITS.maxQueueBytes),
  }
}

/** Do all addresses of a host stay on this machine? True also for an unknown host: listening fails, and says so. */
async function isLoopback(host: string): Promise<boolean> {
  const addresses = await lookup(host, { all: true }).catch(() => [])
  return addresses.every(({ address }) => /^(127\.|::1$|::ffff:127\.)/.test(address))
}

/** Adds a user to the file, or gives one another password. */
async function addUser({ io }: Context, file: string | undefined, name: string): Promise<ExitCode> {
  if (file === undefined) throw usageError('--add-user needs --users FILE.')
  if (name === '' || /[:\s#]/.test(name)) throw usageError('The name of a user has no colon, no #, and no white space.')
  const before = await fileText(file, '')
  Users.read(before, file)
  const password = await askSecret(io, `Password of ${printable(name)}: `)
  if (password === '') throw new CliError(EXIT.refused, 'The password is empty. Nothing was changed.')
  const others = before.split('\n').filter((line) => line !== '' && !line.startsWith(`${name}:`))
  const text = [...others, `${name}:${await hashedPassword(password)}`, ''].join('\n')
  await replaceFile(file, [text], 0o600)
  io.err(`${printable(name)} may connect, from the next start of the broker on.`)
  return EXIT.ok
}
