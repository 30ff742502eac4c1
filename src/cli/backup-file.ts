import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { reasonOf } from '../errors.ts'
import { type Backup, linesOf, readBackup } from '../pools/backup.ts'
import { CliError, EXIT, type Io } from './io.ts'

/** Names a backup of several pools on a command line: `-` is the standard input. */
export async function backupIn(file: string, io: Io): Promise<Backup> {
  return readBackup(file === '-' ? await textOf(io.stdin) : await fileText(file), file === '-' ? 'The input' : file)
}

/** Writes a backup to a file, or to the standard output; a file is whole or as it was before. */
export async function writeBackup(backup: Backup, file: string | undefined, io: Io): Promise<void> {
  if (file === undefined) {
    for (const line of linesOf(backup)) io.out(line)
    return
  }
  const path = resolve(file)
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      let chunk = ''
      for (const line of linesOf(backup)) {
        chunk += line
        if (chunk.length < 65_536) continue
        await handle.write(chunk)
        chunk = ''
      }
      await handle.write(chunk)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unusable(file, 'written', error)
  }
}

/** So that the name lasts as well. Not every system opens directories. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path).catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

async function fileText(file: string): Promise<string> {
  try {
    return await readFile(resolve(file), 'utf8')
  } catch (error) {
    throw unusable(file, 'read', error)
  }
}

async function textOf(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function unusable(file: string, done: string, cause: unknown): CliError {
  return new CliError(EXIT.failed, `${file} cannot be ${done}: ${reasonOf(cause)}`, { cause })
}
