import type { Context } from '../command.ts'
import { edited } from '../editing.ts'
import { foundPool } from '../found-pool.ts'
import { EXIT, type ExitCode, usageError } from '../io.ts'
import { parsePath } from '../path.ts'
import { changeLine } from '../print.ts'

/** `persist-mqtt inc`: adds to a number. */
export async function inc(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = '', text = '', amount = '1'] = args
  const by = amount.trim() === '' ? Number.NaN : Number(amount)
  if (!Number.isFinite(by)) throw usageError(`BY must be a number, not ${amount}.`)
  const { payload, owner } = await foundPool(context, name)
  const { variable, steps } = parsePath(text, payload.values)
  if (steps.length > 0) throw usageError('Only a whole variable can be added to; set changes what is inside one.')
  const { way, value, told } = await edited(context, name, owner, (editor, options) =>
    editor.increment(variable, by, options),
  )
  // The owner may have counted meanwhile: what it was before is what the sum says.
  if (context.has('json')) io.out(JSON.stringify({ name, path: text, before: value - by, value, way }))
  else io.out(changeLine(text, value - by, value, told, io))
  return EXIT.ok
}
