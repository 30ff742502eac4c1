import { sameBytes } from '../../format/bytes.ts'
import type { EditWay } from '../../index.ts'
import type { OwnerKind } from '../../pools/owners.ts'
import { assertName } from '../../pools/pool-topics.ts'
import type { PoolsLink } from '../../pools/pools-link.ts'
import { copyTo } from '../../pools/restore-pools.ts'
import type { Context } from '../command.ts'
import { assertListens } from '../editing.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../io.ts'
import { printable, safeJson } from '../print.ts'

/** From where to where a pool goes; one connection for each broker. */
interface Route {
  readonly name: string
  readonly other: string
  /** The pool, as it was at the beginning. */
  readonly bytes: Uint8Array
  readonly owner: OwnerKind
  readonly source: PoolsLink
  readonly target: PoolsLink
  /** Where it is then, for people. */
  readonly to: string
}

/** `persist-mqtt copy`: a pool under another name, or at another broker. */
export function copy(context: Context): Promise<ExitCode> {
  return routed(context, async (route) => {
    return told(context, route, await copied(context, route), 'copied')
  })
}

/** `persist-mqtt move`: the same, and then it is gone from where it was. */
export function move(context: Context): Promise<ExitCode> {
  return routed(context, async (route) => {
    const { name, bytes, owner, source, to } = route
    assertNoOwner(context, name, owner)
    const way = await copied(context, route, true)
    await source.read([name])
    const now = source.held(name)
    assertNoOwner(context, name, now.owner, `It is copied to ${to}, and still there.`)
    if (!sameBytes(now.bytes, bytes)) {
      const text = `${printable(name)} has changed meanwhile. It is copied to ${to} as it was before, and not removed. Move it once more.`
      throw new CliError(EXIT.failed, text)
    }
    await source.remove(name)
    return told(context, route, way, 'moved')
  })
}

function routed(context: Context, use: (route: Route) => Promise<ExitCode>): Promise<ExitCode> {
  const [name = '', other = name] = context.args
  const others = context.otherPools()
  if (others === undefined && other === name)
    throw usageError('FROM and TO are the same; --to-url names another broker.')
  assertName(name)
  const target = others ?? context.pools()
  target.topics.assertNew(other)
  return context.pools().linked(async (source) => {
    await source.read([name])
    const { bytes, owner } = source.held(name)
    if (bytes === null)
      throw new CliError(EXIT.notFound, `There is no pool ${printable(name)} at ${source.pools.place}.`)
    const from = { name, other, bytes, owner, source }
    if (others === undefined) return use({ ...from, target: source, to: printable(other) })
    return others.linked((target) => use({ ...from, target, to: `${printable(other)} at ${others.place}` }))
  })
}

function told(context: Context, { name, other, source, target, to }: Route, way: EditWay, done: string): ExitCode {
  const { io } = context
  const place = target === source ? {} : { broker: target.pools.place }
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

/** Copies a pool; returns how. */
async function copied(context: Context, route: Route, isRemoved = false): Promise<EditWay> {
  const { name, other, bytes, source, target, to } = route
  await target.read([other])
  const there = target.held(other)
  // A device without a pool waits for this one.
  if (there.bytes !== null) assertListens(context, other, there.owner)
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
  return copyTo(target, other, bytes)
}
