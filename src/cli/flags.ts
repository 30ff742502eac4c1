import { type ParseArgsConfig, parseArgs } from 'node:util'
import { fileText } from './backup-file.ts'
import type { Command, Context, Flag, Flags } from './command.ts'
import { usageError } from './io.ts'

/** Flags that say which broker. */
export const CONNECTION_FLAGS: Flags = {
  url: {
    type: 'string',
    short: 'u',
    value: 'URL',
    help: 'The broker: mqtt:, mqtts:, ws: or wss:. Default: $MQTT_URL, or mqtt://localhost:1883',
  },
  broker: { type: 'string', short: 'b', value: 'NAME', help: 'A broker of the config file' },
  username: { type: 'string', value: 'USER', help: 'Default: $MQTT_USERNAME' },
  'password-file': { type: 'string', value: 'FILE', help: 'A file with the password. Default: $MQTT_PASSWORD' },
  ca: { type: 'string', value: 'FILE', help: "Certificate of the authority that signed the broker's (PEM)" },
  cert: { type: 'string', value: 'FILE', help: 'Certificate of this client (PEM)' },
  key: { type: 'string', value: 'FILE', help: 'Its key (PEM)' },
  'client-id': { type: 'string', value: 'ID', help: 'The client id, where the broker lets only certain ones in' },
  topic: { type: 'string', value: 'TOPIC', help: 'Where pools are. Default: stat/{name}/PersistMQTT' },
  timeout: { type: 'string', value: 'SECONDS', help: 'How long the broker may take. Default: 10' },
}

/** Flags that every command has. */
export const COMMON_FLAGS: Flags = {
  json: { type: 'boolean', help: 'Prints JSON, for programs' },
  debug: { type: 'boolean', help: 'Prints where an error comes from' },
  help: { type: 'boolean', short: 'h', help: 'Prints this' },
}

/** All flags of a command. */
export function flagsOf({ flags, isConnected }: Pick<Command, 'flags' | 'isConnected'>): Flags {
  return { ...flags, ...(isConnected && CONNECTION_FLAGS), ...COMMON_FLAGS }
}

/** What was given on the command line. */
export interface Given {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly args: readonly string[]
}

/**
 * Takes a command line apart.
 *
 * @throws {CliError} EXIT.usage: there is no such flag (the text names the most similar one), or its value is missing
 */
export function parseFlags(flags: Flags, argv: readonly string[]): Given {
  const options = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, optionOf(flag)]))
  try {
    const { values, positionals } = parseArgs({
      args: withNegatives(argv),
      options,
      allowPositionals: true,
      strict: true,
    })
    return { values: values as Given['values'], args: positionals.map(withoutMark) }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const wrong = /'(-[^']*)'/.exec(message)?.[1] ?? ''
      const near = closest(wrong.replace(/^-+/, ''), Object.keys(flags))
      throw usageError(`There is no flag ${wrong}.${near === undefined ? '' : ` Do you mean --${near}?`}`)
    }
    // "Option '--url <value>' argument missing", with advice on further lines.
    throw usageError(message.split('\n', 1)[0] ?? message)
  }
}

/** A number below zero is no flag: `inc garage counter -5`. */
const MARK = '\u0000'

function withNegatives(argv: readonly string[]): string[] {
  return argv.map((argument) => (/^-\d/.test(argument) ? MARK + argument : argument))
}

function withoutMark(argument: string): string {
  return argument.startsWith(MARK) ? argument.slice(1) : argument
}

function optionOf({ type, short, multiple }: Flag): NonNullable<ParseArgsConfig['options']>[string] {
  return { type, ...(short && { short }), ...(multiple && { multiple }) }
}

/**
 * The port that a flag gives, else a variable of the environment, else the fallback.
 *
 * @throws {CliError} EXIT.usage: it is no port
 */
export function portOf(context: Context, flag: string, fallback: number, variable?: string): number {
  const fromVariable = variable === undefined ? undefined : context.io.env[variable] || undefined
  const given = context.value(flag)
  const port = Number(given ?? fromVariable ?? fallback)
  if (given?.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw usageError(`${given === undefined ? variable : `--${flag}`} must be a port: a whole number from 0 to 65535.`)
}

/**
 * Certificate and key (PEM), from the files that --tls-cert and --tls-key name; undefined: neither flag is given.
 *
 * @throws {CliError} only one of them is given, or a file cannot be read
 */
export async function tlsOf(context: Context): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = [context.value('tls-cert'), context.value('tls-key')]
  if ((cert === undefined) !== (key === undefined)) throw usageError('--tls-cert and --tls-key go together.')
  return cert === undefined || key === undefined ? undefined : { cert: await fileText(cert), key: await fileText(key) }
}

/** The word most similar to another one; undefined: none is similar. */
export function closest(wrong: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, steps: word.startsWith(wrong) && wrong.length > 1 ? 0 : distance(wrong, word) }))
    .sort((one, other) => one.steps - other.steps)
  const [best] = ranked
  return best !== undefined && best.steps <= Math.max(wrong.length > 2 ? 2 : 1, wrong.length / 3)
    ? best.word
    : undefined
}

/** How many letters must be added, left out or replaced (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
