import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../runtime/errors.ts'
import { delay } from '../runtime/promises.ts'

const UNSUPPORTED: ReadonlySet<string | undefined> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])

/** What a rename fails with while a virus scanner, a backup or an indexer has one of the files open: on Windows, and on shares. */
const HELD: ReadonlySet<string | undefined> = new Set(['EPERM', 'EBUSY', 'EACCES'])
/** Most have a file open for milliseconds; who may never rename is told after that time, in milliseconds. */
const HELD_MS = 1000
const FIRST_PAUSE_MS = 5

/** Does work that renames a file, again for up to a second while another program seems to have that open. */
export async function whileHeld<Result>(work: () => Promise<Result>): Promise<Result> {
  const end = performance.now() + HELD_MS
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, 100)) {
    try {
      return await work()
    } catch (error) {
      if (!HELD.has(codeOf(error)) || performance.now() >= end) throw error
    }
    await delay(pauseMs)
  }
}

/** Renames a file, tried as {@link whileHeld} does. */
export function renameFile(from: string, to: string): Promise<void> {
  return whileHeld(() => rename(from, to))
}

/**
 * Makes a directory and those above it, and brings their names to disk.
 *
 * @param mode permission bits of those that it makes. @default what the umask leaves of 0777
 */
export async function makeDirectory(path: string, mode?: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

/** Brings the names in a directory to disk: until then a power cut can undo a rename. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and NTFS keeps a journal of its names.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (error) {
    // SMB shares and some FUSE file systems know no such call for directories; files can be kept there all the same.
    if (!UNSUPPORTED.has(codeOf(error))) throw error
  } finally {
    await directory.close()
  }
}

/** Brings the contents of a file to disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync().finally(() => file.close())
}

/** Writes all bytes. One write may take only a part of them, for example on a full disk; the next one says why. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
