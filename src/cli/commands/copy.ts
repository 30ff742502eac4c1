import { decodePayload } from '../../payload.ts'
import { poolChanges, sameBytes } from '../../pools/pool-changes.ts'
import type { Pools } from '../../pools/pools.ts'
import { restorePool } from '../../pools/restore-pool.ts'
import type { Context } from '../command.ts'
import { assertListens } from '../editing.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../io.ts'
import { printable } from '../print.ts'

/** A pool on its way to another name, or another broker. */
interface Copied {
  readonly from: string
  readonly to: string
  readonly source: Pools
  readonly way: string
}

/** `persist-mqtt copy`: a pool under another name, or at another broker. */
export async function copy(context: Context): Promise<ExitCode> {
  const { from, to, way } = await copied(context)
  const { io } = context
  if (context.has('json')) io.out(JSON.stringify({ from, to, way }))
  else io.out(`${from} is copied to ${to}`)
  return EXIT.ok
}

/** `persist-mqtt move`: the same, and then it is gone from where it was. */
export async function move(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [name = ''] = args
  const { owner } = await context.pools().read(name)
  if (owner === 'program') {
    const text = `A program owns ${printable(name)} and would write it again. End it first; or copy the pool. Nothing was changed.`
    throw new CliError(EXIT.refused, text)
  }
  assertListens(context, name, owner)
  const { from, to, way, source } = await copied(context)
  await source.delete(name)
  if (context.has('json')) io.out(JSON.stringify({ from, to, way }))
  else io.out(`${from} is moved to ${to}`)
  return EXIT.ok
}

async function copied(context: Context): Promise<Copied> {
  const { args } = context
  const [name = '', other = name] = args
  const url = context.value('to-url')
  const source = context.pools()
  const target = url === undefined ? source : context.poolsAt(url)
  if (url === undefined && other === name) throw usageError('FROM and TO are the same; --to-url names another broker.')
  const { bytes } = await source.read(name)
  if (bytes === null) throw new CliError(EXIT.notFound, `There is no pool ${printable(name)} at ${source.place}.`)
  const there = await target.read(other)
  const to = url === undefined ? printable(other) : `${printable(other)} at ${target.place}`
  assertListens(context, other, there.owner)
  if (there.bytes !== null && !context.has('force')) {
    throw new CliError(EXIT.refused, `There is a pool ${to} already. Nothing was changed; --force replaces it.`)
  }
  const way = await restorePool(target, other, bytes, there.owner)
  await assertThere(target, other, bytes)
  return { from: printable(name), to, source, way }
}

/** Before the original goes. An owner may write the same values in other words. */
async function assertThere(target: Pools, name: string, bytes: Uint8Array): Promise<void> {
  const { bytes: held } = await target.read(name)
  if (sameBytes(held, bytes)) return
  const isSame = held !== null && poolChanges(decodePayload(bytes, name), decodePayload(held, name)).length === 0
  if (!isSame)
    throw new CliError(EXIT.failed, `${printable(name)} was written, and is not there as it should be. Look at it.`)
}
