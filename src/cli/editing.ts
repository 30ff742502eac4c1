import { TAKE_OVER_ADVICE } from '../format/device.ts'
import { type Editor, openEditor } from '../index.ts'
import type { OwnerKind } from '../pools/owners.ts'
import type { Context } from './command.ts'
import { CliError, EXIT } from './io.ts'
import { printable } from './print.ts'

/** How a change was made, for people. */
const WAYS = { owner: 'saved by its owner', direct: 'written directly, nobody owns it' } as const

/**
 * Refuses to change the pool of a device, which would write over the change; --force overrules.
 *
 * @throws {CliError} EXIT.refused
 */
export function assertListens(context: Context, name: string, owner: OwnerKind): void {
  if (owner !== 'device' || context.has('force')) return
  throw new CliError(
    EXIT.refused,
    `${printable(name)} is a device that is online and does not listen: it writes over any change with its next save. ` +
      `Nothing was changed. Switch it off first; or use --force, and ${TAKE_OVER_ADVICE}.`,
  )
}

/** Makes a change through an editor; `told` says for people how. */
export async function edited<Result extends { way: keyof typeof WAYS }>(
  context: Context,
  name: string,
  owner: OwnerKind,
  change: (editor: Editor, options: { force: boolean }) => Promise<Result>,
): Promise<Result & { told: string }> {
  assertListens(context, name, owner)
  const editor = await openEditor(context.pools().optionsOf(name))
  try {
    const result = await change(editor, { force: context.has('force') })
    return {
      ...result,
      told:
        owner === 'device'
          ? 'written directly; cut the power of the device now, or send it Restart 99'
          : WAYS[result.way],
    }
  } finally {
    await editor.close()
  }
}
