import type { Context } from '../command.ts'
import { SHELLS } from '../completion.ts'
import { EXIT, type ExitCode, usageError } from '../io.ts'
import { printable } from '../print.ts'

/** `persist-mqtt completion`: a script for a shell, so that it completes commands, flags and names of pools. */
export async function completion({ io, args, commands }: Context): Promise<ExitCode> {
  const [shell = ''] = args
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (script === undefined) throw usageError(`There is no script for ${printable(shell)}: bash, zsh or fish.`)
  io.out(script(commands))
  return EXIT.ok
}
