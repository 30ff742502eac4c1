import type { SavedPool } from '../../pools/backup.ts'
import { writeBackup } from '../backup-file.ts'
import type { Context } from '../command.ts'
import { completeness } from '../completeness.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { counted, printable } from '../print.ts'
import { Progress } from '../progress.ts'

/** `persist-mqtt export`: a backup of all pools, or some. */
export async function exportPools(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const file = context.value('output')
  if (file === undefined && io.stdout.isTTY && !context.has('json')) {
    throw new CliError(EXIT.usage, 'A backup is for a file: -o FILE, or > FILE.')
  }
  const pools = context.pools()
  const found: { name: string; bytes: Uint8Array }[] = []
  const progress = new Progress(io, 'Reading pools')
  const listing = await pools
    .list(
      (name, bytes) => {
        found.push({ name, bytes: new Uint8Array(bytes) })
        progress.at(found.length)
      },
      args.length > 0 ? args : undefined,
    )
    .finally(() => progress.end())
  found.sort((one, other) => (one.name < other.name ? -1 : 1))
  const names = new Set(found.map(({ name }) => name))
  const unknown = args.filter((name) => !names.has(name))
  // RabbitMQ sends no pools without their names: an empty backup must not pass for a complete one.
  const isComplete = listing.isComplete === 'yes' && unknown.length === 0 && found.length > 0
  const saved = found.map(
    ({ name, bytes }): SavedPool => ({ name, topic: pools.topics.of(name), bytes, owner: pools.owners.of(name) }),
  )
  await writeBackup({ created: new Date().toISOString(), broker: pools.place, isComplete, pools: saved }, file, io)
  const where = file === undefined ? '' : ` in ${file}`
  io.err(`${counted(saved.length, 'pool')}${where}.`)
  if (unknown.length > 0) io.err(`There is no pool ${unknown.map(printable).join(', ')}.`)
  const verdict = args.length === 0 || listing.count > 0 ? completeness(listing, pools.place) : undefined
  if (verdict !== undefined) io.err(verdict)
  if (file !== undefined && context.has('json'))
    io.out(JSON.stringify({ file, broker: pools.place, pools: saved.length, complete: isComplete, unknown }))
  return isComplete ? EXIT.ok : EXIT.failed
}
