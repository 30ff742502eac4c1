import type { Context } from './command.ts'
import { usageError } from './io.ts'

/** The port that a flag tells, or a variable of the environment; throws a usage error where it is none. */
export function portOf(context: Context, flag: string, fallback: number, variable?: string): number {
  const fromVariable = variable === undefined ? undefined : context.io.env[variable] || undefined
  const given = context.value(flag)
  const port = Number(given ?? fromVariable ?? fallback)
  if (given?.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw usageError(`${given === undefined ? variable : `--${flag}`} must be a port: a whole number from 0 to 65535.`)
}
