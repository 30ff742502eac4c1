import { open, readFile, rename } from 'node:fs/promises'
import type { BrokerOptions, ClientEvent } from '../../broker/start-broker.ts'
import { hashedPassword, Users } from '../../broker/users-file.ts'
import { reasonOf } from '../../errors.ts'
import type { Context } from '../command.ts'
import { embeddedBroker } from '../embedded-broker.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../io.ts'
import { counted, printable } from '../print.ts'
import { askSecret } from '../secret.ts'

const LOOPBACK = /^(127\.|::1$|localhost$)/

/** `persist-mqtt broker`: the embedded broker, as a server. */
export async function broker(context: Context): Promise<ExitCode> {
  const { io } = context
  const file = context.value('users')
  const name = context.value('add-user')
  if (name !== undefined) return addUser(context, file, name)
  const users = file === undefined ? undefined : Users.read(await textOf(file), file)
  const log = logger(context)
  const host = context.value('host') ?? '127.0.0.1'
  const directory = context.value('data') ?? '.persist-mqtt'
  const [cert, key] = [context.value('tls-cert'), context.value('tls-key')]
  if ((cert === undefined) !== (key === undefined)) throw usageError('--tls-cert and --tls-key go together.')
  const options: BrokerOptions = {
    directory,
    host,
    port: context.number('port', { least: 0, most: 65_535, fallback: 1883 }),
    webSocketPort: context.number('ws-port', { least: 0, most: 65_535, fallback: 9001 }),
    onWarning: (text) => log('warning', text),
    onClient: (event) => log(event.kind, clientText(event), event),
    ...(users && { mayConnect: (user, password) => users.mayConnect(user, password) }),
    ...(cert !== undefined && key !== undefined && { tls: { cert: await textOf(cert), key: await textOf(key) } }),
  }
  const start = await embeddedBroker()
  const running = await start(options)
  const { url, webSocketUrl, restored } = running
  log('started', `${url} and ${webSocketUrl}, ${counted(restored, 'retained message')} in ${directory}`, {
    url,
    webSocketUrl,
    restored,
    directory,
  })
  if (users === undefined && !LOOPBACK.test(host)) {
    log('warning', `Everybody who reaches ${host} may read and write everything: --users FILE keeps strangers out.`)
  }
  const { signal } = io
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await running.close()
  log('stopped', 'Everything is on disk.')
  return EXIT.ok
}

type Log = (event: string, text: string, facts?: object) => void

/** A line for each event, with its time. */
function logger(context: Context): Log {
  const isJson = context.has('json')
  return (event, text, facts = {}) => {
    const time = new Date().toISOString()
    if (isJson) context.io.out(JSON.stringify({ time, event, ...(Object.keys(facts).length > 0 ? facts : { text }) }))
    else context.io.out(`${time} ${event.padEnd(12)} ${printable(text)}`)
  }
}

function clientText({ clientId, username, reason }: ClientEvent): string {
  const user = username === undefined ? '' : ` as ${username}`
  return `${clientId === '' ? 'a client' : clientId}${user}${reason === undefined ? '' : `: ${reason}`}`
}

/** Adds a user to the file, or gives one another password. */
async function addUser({ io }: Context, file: string | undefined, name: string): Promise<ExitCode> {
  if (file === undefined) throw usageError('--add-user needs --users FILE.')
  if (name === '' || /[:\s#]/.test(name)) throw usageError('The name of a user has no colon, no #, and no white space.')
  const before = await textOf(file, '')
  Users.read(before, file)
  const password = await askSecret(io, `Password of ${name}: `)
  if (password === '') throw new CliError(EXIT.refused, 'The password is empty. Nothing was changed.')
  const others = before.split('\n').filter((line) => line !== '' && !line.startsWith(`${name}:`))
  const text = [...others, `${name}:${await hashedPassword(password)}`, ''].join('\n')
  await replaceFile(file, text)
  io.err(`${printable(name)} may connect, from the next start of the broker on.`)
  return EXIT.ok
}

/** In one step, and for nobody else to read. */
async function replaceFile(file: string, text: string): Promise<void> {
  try {
    const handle = await open(`${file}.new`, 'w', 0o600)
    try {
      await handle.chmod(0o600)
      await handle.write(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.new`, file)
  } catch (error) {
    throw unusable(file, 'written', error)
  }
}

/** @param missing what it is where there is no such file */
async function textOf(file: string, missing?: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing && missing !== undefined) return missing
    throw unusable(file, 'read', error)
  }
}

function unusable(file: string, done: string, cause: unknown): CliError {
  return new CliError(EXIT.failed, `${file} cannot be ${done}: ${reasonOf(cause)}`, { cause })
}
