import { encodeText, sameBytes } from '../../format/bytes.ts'
import { TAKE_OVER_ADVICE } from '../../format/device.ts'
import { printExact } from '../../format/exact-json.ts'
import { decodePayload, joinPayload, payloadOf, withoutRevision } from '../../format/payload.ts'
import type { SavedPool } from '../../pools/backup.ts'
import { type PoolChange, poolChanges } from '../../pools/pool-changes.ts'
import type { HeldPool } from '../../pools/pools-link.ts'
import { restorePools } from '../../pools/restore-pools.ts'
import { backupIn } from '../backup-file.ts'
import { changeLines } from '../changes.ts'
import type { Context } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CliError, EXIT, type ExitCode, type Io } from '../io.ts'
import { coloured, counted, printable } from '../print.ts'
import { Progress } from '../progress.ts'

/** What restoring one pool would do. */
interface Plan {
  readonly pool: SavedPool
  /** What the pool becomes. */
  readonly bytes: Uint8Array
  /** What the broker holds now. */
  readonly seen: HeldPool
  /** That pool without its revision; null: there is none. */
  readonly held: Uint8Array | null
  /** Undefined: what the broker holds, or the backup, is no pool. */
  readonly changes: readonly PoolChange[] | undefined
  /** Why the pool is not restored; undefined: it is. */
  readonly refusal: string | undefined
}

/** How restoring went. */
interface Outcome {
  readonly failures: readonly { readonly name: string; readonly reason: string }[]
  /** How many were not begun, because a signal ended the command. */
  readonly left: number
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
  const changing = wanted.filter(({ held, bytes }) => !sameBytes(held, bytes))
  const isDry = context.has('dry-run')
  if (changing.length > 0 && !isDry) {
    await confirm(
      context,
      `${counted(changing.length, 'pool')} at ${context.pools().place} ${changing.length === 1 ? 'is' : 'are'} changed. Go on?`,
    )
  }
  const { failures, left }: Outcome = isDry ? { failures: [], left: 0 } : await restored(context, changing)
  const done = isDry ? 0 : changing.length - failures.length - left
  if (isJson) {
    const each = plans.map(({ pool: { name }, held, changes, refusal }) => ({
      name,
      isNew: held === null,
      changes: changes ?? null,
      refusal: refusal ?? failures.find((one) => one.name === name)?.reason ?? null,
    }))
    io.out(printExact({ restored: done, left, dryRun: isDry, pools: each }))
  } else if (!isDry) {
    io.err(
      `${counted(done, 'pool')} restored, ${counted(wanted.length - changing.length, 'pool')} as in the backup already.`,
    )
  }
  for (const { name, reason } of failures) io.err(`${printable(name)} was not restored: ${printable(reason)}`)
  if (left > 0)
    io.err(`Interrupted: ${counted(left, 'pool')} of the backup ${left === 1 ? 'was' : 'were'} not looked at any more.`)
  if (failures.length > 0 || left > 0) return EXIT.failed
  return refused > 0 ? EXIT.refused : EXIT.ok
}

async function chosen(context: Context, file: string): Promise<SavedPool[]> {
  const { pools, isComplete } = await backupIn(file, context.io)
  if (!isComplete) context.io.err(`${file} says that it may not have every pool that there was.`)
  const only = context.all('only')
  const unknown = only.filter((name) => !pools.some((pool) => pool.name === name))
  if (unknown.length > 0) throw new CliError(EXIT.notFound, `${file} has no pool ${unknown.map(printable).join(', ')}.`)
  return only.length > 0 ? pools.filter(({ name }) => only.includes(name)) : [...pools]
}

async function planned(context: Context, wanted: readonly SavedPool[]): Promise<Plan[]> {
  const names = wanted.map(({ name }) => name)
  const { held, isSure } = await context.pools().linked(async (link) => {
    const isSure = await link.read(names)
    return { held: new Map(names.map((name) => [name, link.held(name)])), isSure }
  })
  return wanted.map((pool) => {
    const seen = held.get(pool.name) as HeldPool
    const before = seen.bytes && withoutRevision(seen.bytes)
    const bytes = context.has('merge') ? merged(before, pool.bytes) : pool.bytes
    const isSame = sameBytes(before, bytes)
    // One without a pool waits for this.
    const mayWriteOver = seen.owner === 'device' && before !== null && !context.has('force') && !isSame
    const device = mayWriteOver
      ? `it is a device that is online and does not listen; switch it off first, or use --force, and ${TAKE_OVER_ADVICE}`
      : undefined
    const isUnknown = before === null && !isSure && !context.has('force')
    const unknown = isUnknown ? 'the broker does not say what is kept there now; --force writes over it' : undefined
    return { pool, bytes, seen, held: before, changes: changesOf(before, bytes), refusal: device ?? unknown }
  })
}

/** The held pool with the variables of the backup in it; the backup where either is no pool. */
function merged(held: Uint8Array | null, saved: Uint8Array): Uint8Array {
  if (held === null) return saved
  try {
    const before = decodePayload(held, '')
    const after = encodeText(joinPayload(new Map([...before.texts, ...decodePayload(saved, '').texts])))
    return poolChanges(before, decodePayload(after, '')).length === 0 ? held : after
  } catch {
    return saved
  }
}

function changesOf(held: Uint8Array | null, bytes: Uint8Array): PoolChange[] | undefined {
  const [before, after] = [payloadOf(held), payloadOf(bytes)]
  return before && after && poolChanges(before, after)
}

/** What would be changed, for people. */
function preview({ io }: Context, plan: Plan): void {
  const [title, lines = []] = told(plan, io)
  io.out(
    [`${coloured(io, 'bold', printable(plan.pool.name))}: ${title}`, ...lines.map((line) => `  ${line}`)].join('\n'),
  )
}

function told({ bytes, held, changes, refusal }: Plan, io: Io): [title: string, lines?: string[]] {
  if (refusal !== undefined) return [`not restored, ${refusal}`]
  if (sameBytes(held, bytes)) return ['no change']
  const [from, to] = [held?.length ?? 0, bytes.length].map((size) => counted(size, 'byte'))
  if (changes === undefined) return [`${from} → ${to}, not all of them a pool`]
  return [`${held === null ? 'new, ' : ''}${counted(changes.length, 'variable')}`, changeLines(changes, io)]
}

async function restored(context: Context, plans: readonly Plan[]): Promise<Outcome> {
  const { io } = context
  const isMerge = context.has('merge')
  const progress = new Progress(io, 'Restoring pools', plans.length)
  const wanted = plans.map(({ pool, bytes, seen }) => ({
    name: pool.name,
    bytes,
    seen,
    // The owner merges: it knows its variables at that moment best.
    ...(isMerge && { assigned: pool.bytes }),
  }))
  const results = await restorePools(context.pools(), wanted, {
    signal: io.signal,
    onDone: (count) => progress.at(count),
  }).finally(() => progress.end())
  const failures = [...results].flatMap(([name, result]) =>
    result instanceof Error ? [{ name, reason: result.message }] : [],
  )
  return { failures, left: plans.length - results.size }
}
