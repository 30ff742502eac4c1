import { reasonOf } from '../../errors.ts'
import { decodePayload, type Payload } from '../../payload.ts'
import type { SavedPool } from '../../pools/backup.ts'
import type { OwnerKind } from '../../pools/ownership.ts'
import { type PoolChange, poolChanges, sameBytes } from '../../pools/pool-changes.ts'
import { restorePool } from '../../pools/restore-pool.ts'
import { backupIn } from '../backup-file.ts'
import { changeLines } from '../changes.ts'
import type { Context } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CliError, EXIT, type ExitCode, type Io } from '../io.ts'
import { coloured, counted, printable } from '../print.ts'
import { Progress } from '../progress.ts'

/** So many pools are restored at a time. */
const AT_ONCE = 8

/** What restoring one pool would do. */
interface Plan {
  readonly pool: SavedPool
  readonly owner: OwnerKind
  /** What is kept there now. */
  readonly held: Uint8Array | null
  /** Undefined: what is kept, or what is to be, is no pool. */
  readonly changes: readonly PoolChange[] | undefined
  readonly refusal: string | undefined
}

/** `persist-mqtt import`: restores pools from a backup. */
export async function importPools(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [file = ''] = args
  const plans = await planned(context, await chosen(context, file))
  const wanted = plans.filter(({ refusal }) => refusal === undefined)
  const refused = plans.length - wanted.length
  const isJson = context.has('json')
  if (!isJson) for (const plan of plans) preview(context, plan)
  const changing = wanted.filter(({ held, pool }) => !sameBytes(held, pool.bytes))
  const isDry = context.has('dry-run')
  if (changing.length > 0 && !isDry) {
    await confirm(
      context,
      `${counted(changing.length, 'pool')} at ${context.pools().place} ${changing.length === 1 ? 'is' : 'are'} changed. Go on?`,
    )
  }
  const failures = isDry ? [] : await restored(context, changing)
  if (isJson) {
    const each = plans.map(({ pool: { name }, held, changes, refusal }) => ({
      name,
      isNew: held === null,
      changes: changes ?? null,
      refusal: refusal ?? failures.find((one) => one.name === name)?.reason ?? null,
    }))
    io.out(JSON.stringify({ restored: isDry ? 0 : changing.length - failures.length, dryRun: isDry, pools: each }))
  } else if (!isDry) {
    io.err(
      `${counted(changing.length - failures.length, 'pool')} restored, ${counted(wanted.length - changing.length, 'pool')} as in the backup already.`,
    )
  }
  for (const { name, reason } of failures) io.err(`${printable(name)} was not restored: ${printable(reason)}`)
  if (failures.length > 0) return EXIT.failed
  return refused > 0 ? EXIT.refused : EXIT.ok
}

async function chosen(context: Context, file: string): Promise<SavedPool[]> {
  const { pools } = await backupIn(file, context.io)
  const only = context.all('only')
  const unknown = only.filter((name) => !pools.some((pool) => pool.name === name))
  if (unknown.length > 0) throw new CliError(EXIT.notFound, `${file} has no pool ${unknown.map(printable).join(', ')}.`)
  return only.length > 0 ? pools.filter(({ name }) => only.includes(name)) : [...pools]
}

async function planned(context: Context, wanted: readonly SavedPool[]): Promise<Plan[]> {
  const pools = context.pools()
  const held = new Map<string, Uint8Array>()
  const names = new Set(wanted.map(({ name }) => name))
  // One after the other is slow over many, and all at once may bring a lot that is not wanted.
  const few = wanted.length <= 100 ? [...names] : undefined
  const listing = await pools.list(
    (name, bytes) => void (names.has(name) && held.set(name, new Uint8Array(bytes))),
    few,
  )
  const isSure = listing.isComplete === 'yes'
  return wanted.map((pool) => {
    const owner = pools.owners.of(pool.name)
    const before = held.get(pool.name) ?? null
    const isSame = sameBytes(before, pool.bytes)
    const mayWriteOver = owner === 'device' && !context.has('force') && !isSame
    const device = mayWriteOver
      ? 'it is a device that is online and does not listen; switch it off first, or use --force'
      : undefined
    const unseen = before === null && !isSure ? 'the broker does not say what is kept there now' : undefined
    return { pool, owner, held: before, changes: changesOf(before, pool), refusal: device ?? unseen }
  })
}

function changesOf(held: Uint8Array | null, { bytes, name }: SavedPool): PoolChange[] | undefined {
  try {
    const nothing: Payload = { values: {}, texts: new Map() }
    return poolChanges(held === null ? nothing : decodePayload(held, name), decodePayload(bytes, name))
  } catch {
    return undefined
  }
}

/** What would be changed, for people. */
function preview({ io }: Context, plan: Plan): void {
  const [title, lines = []] = told(plan, io)
  io.out(
    [`${coloured(io, 'bold', printable(plan.pool.name))}: ${title}`, ...lines.map((line) => `  ${line}`)].join('\n'),
  )
}

function told({ pool, held, changes, refusal }: Plan, io: Io): [title: string, lines?: string[]] {
  if (refusal !== undefined) return [`not restored, ${refusal}`]
  if (sameBytes(held, pool.bytes)) return ['no change']
  const [from, to] = [held?.length ?? 0, pool.bytes.length].map((bytes) => counted(bytes, 'byte'))
  if (changes === undefined) return [`${from} → ${to}, not all of them a pool`]
  return [`${held === null ? 'new, ' : ''}${counted(changes.length, 'variable')}`, changeLines(changes, io)]
}

async function restored(context: Context, plans: readonly Plan[]): Promise<{ name: string; reason: string }[]> {
  const { io } = context
  const pools = context.pools()
  const failures: { name: string; reason: string }[] = []
  const progress = new Progress(io, 'Restoring pools', plans.length)
  let done = 0
  const restore = async ({ pool, held, owner }: Plan) => {
    progress.at(done++)
    const { name, bytes } = pool
    if (io.signal.aborted) {
      failures.push({ name, reason: 'it was interrupted before' })
      return
    }
    try {
      const now = await pools.read(name)
      if (sameBytes(now.bytes, held) && now.owner === owner) await restorePool(pools, name, bytes, owner)
      else failures.push({ name, reason: 'it has changed since it was looked at; import once more' })
    } catch (error) {
      failures.push({ name, reason: reasonOf(error) })
    }
  }
  // Each mostly waits for the broker.
  const waiting = plans.values()
  const worker = async () => {
    for (const plan of waiting) await restore(plan)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  progress.end()
  return failures
}
