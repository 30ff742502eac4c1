import { printExact } from '../../format/exact-json.ts'
import type { Context } from '../command.ts'
import { foundPool } from '../found-pool.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { parsePath, valueAt } from '../path.ts'
import { coloured, printable, safeJson } from '../print.ts'

/** `persist-mqtt get`: a pool, or one value of it. */
export async function get(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = '', path] = args
  const { payload, values, text } = await foundPool(context, name)
  const isJson = context.has('json')
  // For a program it is exactly what was written; a terminal must not be steered by it.
  const shown = (json: string) => (io.stdout.isTTY || !isJson ? safeJson(json) : json)
  if (path === undefined) {
    if (isJson) io.out(shown(text))
    else {
      const width = Math.max(0, ...Array.from(payload.texts.keys(), (variable) => printable(variable).length))
      for (const [variable, value] of payload.texts) {
        io.out(`${coloured(io, 'cyan', printable(variable).padEnd(width))}  ${safeJson(value)}`)
      }
    }
    return EXIT.ok
  }
  const at = parsePath(path, values)
  const value = valueAt(values, at)
  if (value === undefined) throw new CliError(EXIT.notFound, `${printable(name)} has no ${printable(path)}.`)
  // As it was written, where it is a whole variable: 1.0 stays 1.0.
  const json = (at.steps.length === 0 ? payload.texts.get(at.variable) : undefined) ?? printExact(value)
  // A string for a shell or a person is its text; what is in it must not steer a terminal.
  if (isJson || typeof value !== 'string') io.out(shown(json))
  else io.out(io.stdout.isTTY ? printable(value) : value)
  return EXIT.ok
}
