import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

const UNSUPPORTED: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])

/** Makes a directory and those above it, and brings their names to disk. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

/** Brings the names in a directory to disk: a renamed file is not there after a power cut before that. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and NTFS keeps a journal of its names.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (error) {
    // SMB shares and some FUSE file systems know no such call for directories; files can be kept there all the same.
    if (!UNSUPPORTED.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await directory.close()
  }
}
