import { existsSync } from 'node:fs'
import { printExact } from '../../format/exact-json.ts'
import { decodePayload, type Payload } from '../../format/payload.ts'
import { poolChanges } from '../../pools/pool-changes.ts'
import { backupIn } from '../backup-file.ts'
import { changeLines } from '../changes.ts'
import type { Context } from '../command.ts'
import { foundPool } from '../found-pool.ts'
import { CliError, EXIT, type ExitCode } from '../io.ts'
import { counted, printable } from '../print.ts'

/** `persist-mqtt diff`: what two pools do not have alike. */
export async function diff(context: Context): Promise<ExitCode> {
  const { io, args } = context
  const [first = '', second = ''] = args
  const [before, after] = [await side(context, first, second), await side(context, second, first)]
  const changes = poolChanges(before, after)
  if (context.has('json')) io.out(printExact(changes))
  else for (const line of changeLines(changes, io)) io.out(line)
  if (changes.length === 0) {
    if (!context.has('json')) io.err('No difference.')
    return EXIT.ok
  }
  if (!context.has('json')) io.err(`${counted(changes.length, 'variable')} differ${changes.length === 1 ? 's' : ''}.`)
  return EXIT.failed
}

/** A pool on the broker; or one in a backup, `FILE#NAME`, where FILE alone means the pool that the other side names. */
async function side(context: Context, text: string, other: string): Promise<Payload> {
  const [, file = text, named] = /^(.*?\.json)(?:#(.*))?$/s.exec(text) ?? []
  if (!file.endsWith('.json') && !(file.includes('/') && existsSync(file)))
    return (await foundPool(context, text)).payload
  const { pools } = await backupIn(file, context.io)
  const name = named ?? (pools.length === 1 ? pools[0]?.name : other)
  const pool = pools.find((one) => one.name === name)
  if (pool === undefined) {
    throw new CliError(EXIT.notFound, `${file} has no pool ${printable(name ?? '')}. FILE#NAME names one of several.`)
  }
  return decodePayload(pool.bytes, `'${printable(pool.name)}' in ${file}`)
}
