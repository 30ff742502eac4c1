import type { Command, Flag, Flags } from './command.ts'
import { COMMON_FLAGS, CONNECTION_FLAGS } from './flags.ts'
import type { Io } from './io.ts'
import { coloured } from './print.ts'

/** What `persist-mqtt --help` prints. */
export function generalHelp(commands: readonly Command[], io: Io): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'Variables that programs keep on an MQTT broker: see, change, back up, move and check them.',
    '',
    `${coloured(io, 'bold', 'Usage:')} persist-mqtt COMMAND [ARGUMENTS] [FLAGS]`,
    '',
    ...commands.map(({ name, summary }) => `  ${coloured(io, 'cyan', name.padEnd(width))}  ${summary}`),
    '',
    'persist-mqtt COMMAND --help tells more about one, and has its flags.',
  ].join('\n')
}

/** What `persist-mqtt COMMAND --help` prints. */
export function commandHelp({ name, usage, summary, details, flags, isConnected }: Command, io: Io): string {
  const title = (text: string) => coloured(io, 'bold', text)
  return [
    summary,
    ...(details === undefined ? [] : ['', details]),
    '',
    `${title('Usage:')} persist-mqtt ${name} ${usage}`.trimEnd(),
    '',
    title('Flags'),
    ...flagLines({ ...flags, ...COMMON_FLAGS }),
    ...(isConnected ? ['', title('Which broker'), ...flagLines(CONNECTION_FLAGS)] : []),
  ].join('\n')
}

function flagLines(flags: Flags): string[] {
  const named = Object.entries(flags).map(([name, flag]) => [label(name, flag), flag.help] as const)
  const width = Math.max(...named.map(([text]) => text.length))
  return named.map(([text, help]) => `  ${text.padEnd(width)}  ${help}`)
}

function label(name: string, { short, value }: Flag): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}
