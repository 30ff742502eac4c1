import { payloadOf } from '../../format/payload.ts'
import type { Context } from '../command.ts'
import { confirm } from '../confirm.ts'
import { assertListens } from '../editing.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { counted, printable } from '../print.ts'

/** `persist-mqtt delete`: removes a pool from the broker. */
export async function deletePool(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = ''] = args
  const pools = context.pools()
  const { bytes, owner } = await pools.read(name)
  const shown = printable(name)
  if (bytes === null) throw new CliError(EXIT.notFound, `There is no pool ${shown} at ${pools.place}.`)
  if (owner === 'program') {
    const text = `A program owns ${shown} and would write it again at once. End it first. Nothing was changed.`
    throw new CliError(EXIT.refused, text)
  }
  assertListens(context, name, owner)
  const count = payloadOf(bytes)?.texts.size
  const lost = count === undefined ? counted(bytes.length, 'byte') : counted(count, 'variable')
  await confirm(context, `${shown} and its ${lost} are removed from ${pools.place} for good. Go on?`)
  await pools.delete(name)
  if (context.has('json')) io.out(JSON.stringify({ name, removed: count ?? null }))
  else io.out(`${shown} is deleted`)
  return EXIT.ok
}
