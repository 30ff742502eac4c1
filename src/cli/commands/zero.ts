import { encodeText } from '../../format/bytes.ts'
import { payloadOf } from '../../format/payload.ts'
import { restorePool } from '../../pools/restore-pools.ts'
import type { Context } from '../command.ts'
import { confirm } from '../confirm.ts'
import { assertListens, edited } from '../editing.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { counted, printable } from '../print.ts'

/** `persist-mqtt zero`: makes a pool empty; where there is none, an empty one. */
export async function zero(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = ''] = args
  const { bytes, owner } = await context.pools().read(name)
  const count = bytes === null ? undefined : payloadOf(bytes)?.texts.size
  assertListens(context, name, owner)
  const lost =
    count === undefined
      ? `the ${counted(bytes?.length ?? 0, 'byte')} there, which are no pool,`
      : counted(count, 'variable')
  if (bytes !== null) await confirm(context, `${printable(name)} loses ${lost} for good. Go on?`)
  // What is no pool cannot be edited, only replaced.
  if (count === undefined && owner !== 'program') await restorePool(context.pools(), name, encodeText('{}'))
  const { way, told } = await edited(context, name, owner, (editor, options) => editor.replace({}, options))
  if (context.has('json')) io.out(JSON.stringify({ name, removed: count ?? null, way }))
  else io.out(`${printable(name)} is empty  (${told})`)
  return EXIT.ok
}
