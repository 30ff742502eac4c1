import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { renameFile, syncDirectory } from '../node/disk.ts'
import { type Backup, linesOf, readBackup } from '../pools/backup.ts'
import { codeOf } from '../runtime/errors.ts'
import { type Io, unusable } from './io.ts'

/** Reads the backup that a command line names; `-` is the standard input. */
export async function backupIn(file: string, io: Io): Promise<Backup> {
  return readBackup(file === '-' ? await textOf(io.stdin) : await fileText(file), file === '-' ? 'The input' : file)
}

/** Writes a backup to a file, or to the standard output. */
export async function writeBackup(backup: Backup, file: string | undefined, io: Io): Promise<void> {
  if (file === undefined) {
    for (const line of linesOf(backup)) io.out(line)
  } else {
    await replaceFile(file, linesOf(backup))
  }
}

/**
 * Replaces a file in one step: it is the old or the new one, whole, whenever the power goes. A link stays a link.
 *
 * @param mode permission bits. @default those of the old file, or 0600
 * @throws {CliError}
 */
export async function replaceFile(file: string, lines: Iterable<string>, mode?: number): Promise<void> {
  let temporary: string | undefined
  try {
    const path = await realpath(file).catch(() => resolve(file))
    const replaced = await stat(path).catch(() => undefined)
    // A rename would put a file in the place of a device: /dev/null.
    if (replaced?.isFile() === false) throw new Error('it is there, and no file. Write it with > instead')
    temporary = `${path}.${randomBytes(4).toString('hex')}.new`
    const handle = await open(temporary, 'wx', (mode ?? replaced?.mode ?? 0o600) & 0o777)
    try {
      // Not handle.write(), which may write a part only: of a full disk it says nothing else.
      await writeFile(handle, chunksOf(lines))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await renameFile(temporary, path)
    // So that the name lasts as well. Not every system can do that, and the file is there.
    await syncDirectory(dirname(path)).catch(() => {})
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {})
    throw unusable(file, 'written', error)
  }
}

/** Joins many short lines to a few large pieces. */
function* chunksOf(lines: Iterable<string>): Generator<string> {
  let chunk = ''
  for (const line of lines) {
    chunk += line
    if (chunk.length < 65_536) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

/**
 * The text of a file that a command line names.
 *
 * @param missing the text where there is no such file. @default an error
 * @throws {CliError}
 */
export async function fileText(file: string, missing?: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (missing !== undefined && codeOf(error) === 'ENOENT') return missing
    throw unusable(file, 'read', error)
  }
}

async function textOf(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}
