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
  const isRounded = Number.isInteger(by) && !Number.isSafeInteger(by)
  if (!Number.isFinite(by) || isRounded) {
    throw usageError(
      `BY must be a number${isRounded ? ' below 2^53, which JavaScript does not round' : ''}, not ${amount}.`,
    )
  }
  const { values, owner } = await foundPool(context, name)
  const { variable, steps } = parsePath(text, values)
  if (steps.length > 0) throw usageError('Only a whole variable can be added to; set changes what is inside one.')
  const { way, value, told } = await edited(context, name, owner, (editor, options) =>
    editor.increment(variable, by, options),
  )
  // The owner may have counted meanwhile: then what it was before is what the sum says.
  const read = values[variable]
  const before = typeof read === 'number' && read + by === value ? read : value - by
  if (context.has('json')) io.out(JSON.stringify({ name, path: text, before, value, way }))
  else io.out(changeLine(text, before, value, told, io))
  return EXIT.ok
}
