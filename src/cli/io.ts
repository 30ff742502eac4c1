import { reasonOf } from '../runtime/errors.ts'

/** What a command may use of its process; `main.ts` makes the real one. */
export interface Io {
  /** Writes a line, or several, to the standard output. */
  out(text: string): void
  /** Writes a line, or several, to the standard error output. */
  err(text: string): void
  /** The streams themselves: for backups, prompts and the console. */
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Input and standard error output are a terminal: the user can be asked. */
  readonly isInteractive: boolean
  /** Colours may be used on the standard output. */
  readonly hasColours: boolean
  readonly pid: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
}

/** How a command ended. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** It failed. */
  failed: 1,
  /** It was called wrongly. */
  usage: 2,
  /** There is no such pool or variable. */
  notFound: 3,
  /** It needs --yes or --force, or a device does not listen. */
  refused: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends a command; main.ts prints the text and exits with the code. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The command was called wrongly. */
export function usageError(message: string, options?: ErrorOptions): CliError {
  return new CliError(EXIT.usage, message, options)
}

/** The error of a file that cannot be used. */
export function unusable(file: string, done: string, cause: unknown): CliError {
  return new CliError(EXIT.failed, `${file} cannot be ${done}: ${reasonOf(cause)}`, { cause })
}
