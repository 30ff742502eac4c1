import { type ExactJson, parseExact, printExact } from '../../format/exact-json.ts'
import type { Context } from '../command.ts'
import { edited } from '../editing.ts'
import { foundPool } from '../found-pool.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { changeAt, parsePath, valueAt } from '../path.ts'
import { changeLine } from '../print.ts'

/** `persist-mqtt set`: changes one value. */
export async function set(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = '', text = '', json = ''] = args
  const value = jsonOrText(json)
  const { values, owner } = await foundPool(context, name)
  const path = parsePath(text, values)
  const before = valueAt(values, path)
  const change = changeAt(values, path, value)
  const { way, told } = await edited(context, name, owner, (editor, options) =>
    editor[change.kind](change.text, options),
  )
  if (context.has('json')) io.out(printExact({ name, path: text, before: before ?? null, value, way }))
  else io.out(changeLine(text, before, value, told, io))
  return EXIT.ok
}

/** JSON, or else a string, so that users need not quote twice. */
function jsonOrText(text: string): ExactJson {
  try {
    return parseExact(text)
  } catch {
    return text
  }
}
