import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../runtime/errors.ts'

const UNSUPPORTED: ReadonlySet<string | undefined> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])

/** Makes a directory and those above it, and brings their names to disk. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
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
