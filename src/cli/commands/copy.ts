import { sameBytes } from '../../format/bytes.ts'
import type { OwnerKind } from '../../pools/owners.ts'
import type { Pools } from '../../pools/pools.ts'
import { isThere, restorePool } from '../../pools/restore-pool.ts'
import type { Context } from '../command.ts'
import { assertListens } from '../editing.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../io.ts'
import { printable, safeJson } from '../print.ts'

/** A pool on its way to another name, or another broker. */
interface Copied {
  readonly name: string
  readonly other: string
  readonly source: Pools
  readonly target: Pools
  readonly bytes: Uint8Array
  /** Where it is now, for people. */
  readonly to: string
  readonly way: string
}

/** `persist-mqtt copy`: a pool under another name, or at another broker. */
export async function copy(context: Context): Promise<ExitCode> {
  return told(context, await copied(context), 'copied')
}

/** `persist-mqtt move`: the same, and then it is gone from where it was. */
export async function move(context: Context): Promise<ExitCode> {
  const [name = ''] = context.args
  assertNoOwner(context, name, (await context.pools().read(name)).owner)
  const done = await copied(context, true)
  const { source, bytes, to } = done
  const now = await source.read(name)
  assertNoOwner(context, name, now.owner, `It is copied to ${to}, and still there.`)
  if (!sameBytes(now.bytes, bytes)) {
    const text = `${printable(name)} has changed meanwhile. It is copied to ${to} as it was before, and not removed. Move it once more.`
    throw new CliError(EXIT.failed, text)
  }
  await source.delete(name)
  return told(context, done, 'moved')
}

function told(context: Context, { name, other, source, target, to, way }: Copied, done: string): ExitCode {
  const { io } = context
  const place = target === source ? {} : { broker: target.place }
  if (context.has('json')) io.out(safeJson(JSON.stringify({ from: name, to: other, ...place, way })))
  else io.out(`${printable(name)} is ${done} to ${to}`)
  return EXIT.ok
}

/** Refuses to remove what would be written again. */
function assertNoOwner(context: Context, name: string, owner: OwnerKind, state = 'Nothing was changed.'): void {
  if (owner === 'program') {
    const text = `A program owns ${printable(name)} and would write it again. End it first; or copy the pool. ${state}`
    throw new CliError(EXIT.refused, text)
  }
  assertListens(context, name, owner)
}

async function copied(context: Context, isRemoved = false): Promise<Copied> {
  const { args } = context
  const [name = '', other = name] = args
  const source = context.pools()
  const target = context.otherPools() ?? source
  if (target === source && other === name) throw usageError('FROM and TO are the same; --to-url names another broker.')
  const { bytes } = await source.read(name)
  if (bytes === null) throw new CliError(EXIT.notFound, `There is no pool ${printable(name)} at ${source.place}.`)
  const there = await target.read(other)
  const to = target === source ? printable(other) : `${printable(other)} at ${target.place}`
  assertListens(context, other, there.owner)
  if (there.bytes !== null && !context.has('force')) {
    throw new CliError(EXIT.refused, `There is a pool ${to} already. Nothing was changed; --force replaces it.`)
  }
  if (isRemoved && source !== target && name === other && sameBytes(there.bytes, bytes)) {
    // With a second address of the same broker a move would remove the only one.
    const text =
      `The pool ${to} is the same already, if it is not this very one. Nothing was changed. ` +
      'Where it is another one, persist-mqtt delete removes this one.'
    throw new CliError(EXIT.refused, text)
  }
  const way = await restorePool(target, other, bytes, there.owner)
  await assertThere(target, other, bytes)
  return { name, other, source, target, bytes, to, way }
}

/** Before the original goes. */
async function assertThere(target: Pools, name: string, bytes: Uint8Array): Promise<void> {
  if (await isThere(target, name, bytes)) return
  throw new CliError(EXIT.failed, `${printable(name)} was written, and is not there as it should be. Look at it.`)
}
