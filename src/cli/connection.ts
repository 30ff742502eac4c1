import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { namesUser } from '../format/url.ts'
import type { PoolsOptions } from '../pools/pools.ts'
import { reasonOf } from '../runtime/errors.ts'
import { closest } from './flags.ts'
import { CliError, EXIT, type Io, unusable, usageError } from './io.ts'

/** One broker of the config file; paths in it are relative to the file. */
interface Broker {
  url?: string
  username?: string
  password?: string
  passwordFile?: string
  ca?: string
  cert?: string
  key?: string
  clientId?: string
  topic?: string
}

const KEYS = ['url', 'username', 'password', 'passwordFile', 'ca', 'cert', 'key', 'clientId', 'topic'] as const

/** Flags that are not called as the keys of the config file are. */
const FLAGS: { readonly [key: string]: string } = { passwordFile: 'password-file', clientId: 'client-id' }

/** The content of `~/.config/persist-mqtt/config.json`: named brokers, and the name of the default one. */
interface Config {
  readonly file: string
  readonly brokers: { readonly [name: string]: Broker }
  readonly default: string | undefined
}

/** The flags that say where the pools are. */
export type ConnectionFlag = (flag: string) => string | undefined

/**
 * Where the pools are. A flag wins over the broker that --broker names, that over the environment, and that over the
 * default broker of the config file.
 *
 * @throws {CliError} a file cannot be read, or the config file has no such broker
 */
export function connectionOptions(flag: ConnectionFlag, io: Io): PoolsOptions {
  const config = configOf(io)
  const named = flag('broker')
  const broker = named === undefined ? undefined : brokerOf(config, named)
  const { env } = io
  const given: Broker = {}
  for (const key of KEYS) {
    const value = flag(FLAGS[key] ?? key)
    if (value !== undefined && key !== 'password') given[key] = value
  }
  // A password belongs to one broker: a user who names another one must not send it there.
  const isElsewhere = given.url !== undefined || broker !== undefined || env.MQTT_URL
  const fallback = isElsewhere || config?.default === undefined ? {} : brokerOf(config, config.default)
  const folder = config === undefined ? '' : dirname(config.file)
  const settings = [
    read(given, ''),
    ...(broker === undefined ? [fromEnvironment(env, given.url)] : [read(broker, folder)]),
    read(fallback, folder),
  ]
  const options: PoolsOptions = {}
  // Empty strings where nothing is given: else the library would read the environment by itself.
  settings.push({ username: '', password: '' })
  for (const one of settings) {
    for (const [name, value] of Object.entries(one))
      if (!Object.hasOwn(options, name)) Object.assign(options, { [name]: value })
  }
  const seconds = flag('timeout')
  if (seconds !== undefined) {
    if (!(Number(seconds) > 0 && Number(seconds) < 86_400)) throw usageError('--timeout must be a number of seconds.')
    const ms = Math.ceil(Number(seconds) * 1000)
    Object.assign(options, { openTimeoutMs: ms, saveTimeoutMs: ms, answerTimeoutMs: ms })
  }
  return options
}

/** Without undefined members, which would hide the settings that come after. */
function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

/** @param given the URL that is used instead of MQTT_URL; a user in it wins over MQTT_USERNAME */
function fromEnvironment({ MQTT_URL, MQTT_USERNAME, MQTT_PASSWORD }: Io['env'], given?: string): PoolsOptions {
  const url = MQTT_URL || undefined
  if (namesUser(given ?? url ?? '')) return defined({ url })
  return defined({ url, username: MQTT_USERNAME || undefined, password: MQTT_PASSWORD || undefined })
}

function read(broker: Broker, folder: string): PoolsOptions {
  const { url, username, clientId, topic, passwordFile, ca, cert, key } = broker
  const text = (file: string | undefined) => file && fileText(resolve(folder, file))
  // Text editors end a file with a line end; no password ends with one.
  const password = broker.password ?? text(passwordFile)?.replace(/\r?\n$/, '')
  const tls = defined({ ca: text(ca), cert: text(cert), key: text(key) })
  const given = { url, username, clientId, topic, password, tls: Object.keys(tls).length > 0 ? tls : undefined }
  return defined(given) as PoolsOptions
}

function fileText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, 'read', error)
  }
}

/** Where the config file is (XDG Base Directory Specification). */
export function configFile(env: Io['env']): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'persist-mqtt', 'config.json')
}

function configOf({ env, err }: Io): Config | undefined {
  const file = configFile(env)
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) return undefined
  const wrong = (reason: string, options?: ErrorOptions) =>
    new CliError(EXIT.failed, `${file}: ${reason}. docs/cli.md has an example.`, options)
  const text = fileText(file)
  let content: { brokers?: unknown; default?: unknown } | null
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw wrong(`it is not JSON (${reasonOf(cause)})`, { cause })
  }
  const { brokers = {}, default: first } = content ?? {}
  if (typeof brokers !== 'object' || brokers === null) throw wrong('"brokers" must be an object of named brokers')
  if (first !== undefined && typeof first !== 'string') throw wrong('"default" must be the name of a broker')
  for (const [name, broker] of Object.entries(brokers)) {
    if (typeof broker !== 'object' || broker === null)
      throw wrong(`the broker ${JSON.stringify(name)} must be an object`)
    for (const [key, value] of Object.entries(broker)) {
      const isKnown = (KEYS as readonly string[]).includes(key)
      if (!isKnown)
        throw wrong(
          `the broker ${JSON.stringify(name)} has ${JSON.stringify(key)}, which is none of ${KEYS.join(', ')}`,
        )
      if (typeof value !== 'string')
        throw wrong(`${JSON.stringify(key)} of the broker ${JSON.stringify(name)} must be a string`)
    }
  }
  const hasPassword = Object.values(brokers).some((broker: Broker) => broker.password !== undefined)
  if (hasPassword && process.platform !== 'win32' && (mode & 0o077) !== 0) {
    err(`Warning: others can read the passwords in ${file}; chmod 600 it.`)
  }
  return { file, brokers: brokers as Config['brokers'], default: first }
}

function brokerOf(config: Config | undefined, name: string): Broker {
  const names = Object.keys(config?.brokers ?? {})
  if (config !== undefined && Object.hasOwn(config.brokers, name)) return config.brokers[name] as Broker
  if (config === undefined)
    throw usageError(`There is no broker ${name}: no config file is there. docs/cli.md has an example.`)
  const near = closest(name, names)
  throw usageError(
    `${config.file} has no broker ${name}.${near === undefined ? ` It has: ${names.join(', ')}` : ` Do you mean ${near}?`}`,
  )
}
