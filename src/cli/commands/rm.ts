import type { Context } from '../command.ts'
import { edited } from '../editing.ts'
import { foundPool } from '../found-pool.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { changeAt, parsePath, valueAt } from '../path.ts'
import { changeLine, printable } from '../print.ts'

/** `persist-mqtt rm`: removes one variable, or what is at a path in it. */
export async function rm(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = '', text = ''] = args
  const { payload, owner } = await foundPool(context, name)
  const path = parsePath(text, payload.values)
  const before = valueAt(payload.values, path)
  if (before === undefined) throw new CliError(EXIT.notFound, `${printable(name)} has no ${printable(text)}.`)
  const { kind, values } = changeAt(payload.values, path, undefined)
  const { way, told } = await edited(context, name, owner, (editor, options) => editor[kind](values, options))
  if (context.has('json')) io.out(JSON.stringify({ name, path: text, before, way }))
  else io.out(changeLine(text, before, undefined, told, io))
  return EXIT.ok
}
