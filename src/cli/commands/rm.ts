import { printExact } from '../../format/exact-json.ts'
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
  const { values, owner } = await foundPool(context, name)
  const path = parsePath(text, values)
  const before = valueAt(values, path)
  if (before === undefined) throw new CliError(EXIT.notFound, `${printable(name)} has no ${printable(text)}.`)
  const change = changeAt(values, path, undefined)
  const { way, told } = await edited(context, name, owner, (editor, options) =>
    editor[change.kind](change.text, options),
  )
  if (context.has('json')) io.out(printExact({ name, path: text, before, way }))
  else io.out(changeLine(text, before, undefined, told, io))
  return EXIT.ok
}
