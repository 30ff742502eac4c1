import { isMap } from '../../format/json.ts'
import { REVISION_NAME } from '../../format/revision.ts'
import type { Context } from '../command.ts'
import { completeness } from '../completeness.ts'
import { EXIT, type ExitCode } from '../io.ts'
import { coloured, counted, printable, tableOf } from '../print.ts'

const ONLINE: ReadonlyMap<boolean | undefined, string> = new Map([
  [true, 'yes'],
  [false, 'no'],
])

interface Row {
  readonly name: string
  /** Null: what the broker holds is no pool. */
  readonly variables: number | null
  readonly bytes: number
}

/** `persist-mqtt ls`: every pool on the broker. */
export async function ls(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const pools = context.pools()
  const rows: Row[] = []
  const isNamesOnly = context.has('names') && !context.has('json')
  const listing = await pools.list(
    (name, bytes) => void rows.push({ name, variables: isNamesOnly ? null : variablesIn(bytes), bytes: bytes.length }),
    args.length > 0 ? args : undefined,
  )
  rows.sort((one, other) => (one.name < other.name ? -1 : 1))
  const { owners } = pools
  const verdict = completeness(listing, pools.place)
  if (context.has('json')) {
    const list = rows.map((row) => ({ ...row, online: owners.isOnline(row.name) ?? null, owner: owners.of(row.name) }))
    io.out(JSON.stringify({ broker: pools.place, complete: listing.isComplete, missing: listing.missing, pools: list }))
  } else if (isNamesOnly) {
    for (const { name } of rows) io.out(printable(name))
  } else if (rows.length > 0) {
    const cells = rows.map(({ name, variables, bytes }) => [
      printable(name),
      variables ?? '(no pool)',
      bytes,
      ONLINE.get(owners.isOnline(name)) ?? '-',
      owners.of(name) === 'none' ? '-' : owners.of(name),
    ])
    io.out(tableOf(['NAME', 'VARIABLES', 'BYTES', 'ONLINE', 'OWNER'], cells, io))
  }
  // On the standard error output, so that a program that reads the list does not take it for a pool.
  if (!context.has('json')) io.err(coloured(io, 'dim', `${counted(rows.length, 'pool')} on ${pools.place}`))
  if (verdict !== undefined) io.err(verdict)
  const unknown = args.filter((name) => !rows.some((row) => row.name === name))
  if (unknown.length > 0) io.err(`There is no pool ${unknown.map(printable).join(', ')}.`)
  if (unknown.length > 0) return EXIT.notFound
  return listing.isComplete === 'yes' ? EXIT.ok : EXIT.failed
}

const decoder = new TextDecoder()

/** Only counts, by plain JSON.parse: there may be 100,000 pools. Null: it is no pool. */
function variablesIn(bytes: Uint8Array): number | null {
  try {
    const pool: unknown = JSON.parse(decoder.decode(bytes))
    return isMap(pool) ? Object.keys(pool).filter((name) => name !== REVISION_NAME).length : null
  } catch {
    return null
  }
}
