import { Pools, type PoolsOptions } from '../pools/pools.ts'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import { VERSION } from '../runtime/version.ts'
import type { Command, Context } from './command.ts'
import { COMMANDS } from './command-table.ts'
import { connectionOptions } from './connection.ts'
import { closest, flagsOf, type Given, parseFlags } from './flags.ts'
import { commandHelp, generalHelp } from './help.ts'
import { CliError, EXIT, type ExitCode, type Io, usageError } from './io.ts'
import { coloured, printable } from './print.ts'

/** Runs a command line. An error is printed in a line or two, and decides the exit code; none is thrown. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatched(argv, io)
  } catch (thrown) {
    io.err(`${coloured(io, 'red', 'persist-mqtt:')} ${messageOf(thrown)}`)
    if (argv.includes('--debug')) io.err(lines(stackOf(thrown)))
    return exitCodeOf(thrown)
  }
}

async function dispatched(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [word = '--help', ...rest] = argv
  if (word === '--help' || word === '-h' || word === 'help') return helped(rest[0], io, argv.length === 0)
  if (word === '--version' || word === '-v') {
    io.out(VERSION)
    return EXIT.ok
  }
  const command = commandOf(word)
  if (rest.includes('--help') || rest.includes('-h')) return helped(word, io, false)
  const given = parseFlags(flagsOf(command), rest)
  const { length } = given.args
  if (length < command.least || length > command.most) {
    const wants = length < command.least ? 'More is needed' : 'That is too much'
    throw usageError(`${wants}: persist-mqtt ${command.name} ${command.usage}`.trimEnd())
  }
  const perform = await command.load()
  return perform(contextOf(command, given, io))
}

function commandOf(word: string): Command {
  const command = COMMANDS.find(({ name }) => name === word)
  if (command !== undefined) return command
  const near = closest(
    word,
    COMMANDS.map(({ name }) => name),
  )
  const advice = near === undefined ? 'persist-mqtt --help lists them.' : `Do you mean ${near}?`
  throw usageError(`There is no command ${printable(word)}. ${advice}`)
}

function helped(word: string | undefined, io: Io, isMistake: boolean): ExitCode {
  const text = word === undefined || word.startsWith('-') ? generalHelp(COMMANDS, io) : commandHelp(commandOf(word), io)
  if (isMistake) io.err(text)
  else io.out(text)
  return isMistake ? EXIT.usage : EXIT.ok
}

function contextOf(command: Command, { values, args }: Given, io: Io): Context {
  const value = (flag: string) => {
    const given = values[flag]
    return typeof given === 'string' ? given : undefined
  }
  const poolsOf = (options: PoolsOptions) => {
    if (options.clientId === undefined || command.hasManyConnections !== true) return new Pools(options)
    throw usageError(
      `persist-mqtt ${command.name} has several connections at a time, and a broker ends the older of two with the same client id: it cannot have one that is given.`,
    )
  }
  let pools: Pools | undefined
  return {
    io,
    commands: COMMANDS,
    args,
    has: (flag) => values[flag] !== undefined && values[flag] !== false,
    value,
    all: (flag) => [values[flag] ?? []].flat().filter((one) => typeof one === 'string'),
    number(flag, { least, most, fallback }) {
      const text = value(flag)
      if (text === undefined) return fallback
      const number = text.trim() === '' ? Number.NaN : Number(text)
      if (number >= least && number <= most) return number
      throw usageError(`--${flag} must be a number from ${least} to ${most}.`)
    },
    pools() {
      pools ??= poolsOf(connectionOptions(value, io))
      return pools
    },
    // The user and password of the other flags and of the environment belong to the first broker, not to this one.
    otherPools() {
      const [url, broker] = [value('to-url'), value('to-broker')]
      if (url !== undefined && broker !== undefined) throw usageError('--to-url or --to-broker, not both.')
      if (url === undefined && broker === undefined) return undefined
      const flags: Record<string, string | undefined> = {
        url,
        broker,
        timeout: value('timeout'),
        topic: value('topic'),
      }
      const env = { ...io.env, MQTT_URL: undefined, MQTT_USERNAME: undefined, MQTT_PASSWORD: undefined }
      return poolsOf(connectionOptions((flag) => flags[flag], { ...io, env }))
    },
  }
}

/** The text of an error; parts of files and values that others wrote may be in it. */
function messageOf(thrown: unknown): string {
  return lines(reasonOf(thrown))
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

function stackOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const cause = thrown instanceof Error && thrown.cause !== undefined ? `\nCaused by: ${stackOf(thrown.cause)}` : ''
  return stack + cause
}

const REFUSED: ReadonlySet<string> = new Set(['ERR_PERSIST_NO_ANSWER', 'ERR_PERSIST_NEEDS_FORCE'])

function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof CliError) return thrown.exitCode
  if (!(thrown instanceof PersistError)) return EXIT.failed
  if (REFUSED.has(thrown.code)) return EXIT.refused
  if (thrown.code === 'ERR_PERSIST_OPTION') return EXIT.usage
  return thrown.code === 'ERR_PERSIST_EMPTY' ? EXIT.notFound : EXIT.failed
}
