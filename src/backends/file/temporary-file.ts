import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { attributesOf } from './pool-file.ts'

/** Short, whatever the pool's file is called: a name may have 255 bytes. */
const NAME = /^\.persist-mqtt-[0-9a-f]{16}\.tmp$/
/** No write takes that long, so whoever made an older one was killed; in milliseconds. */
const ABANDONED_AFTER_MS = 10 * 60_000

/** Writes bytes to a new file in a directory, on disk when it resolves, with mode and owner of the file it will replace; `mode` where there is none. */
export async function writeTemporary(
  directory: string,
  bytes: Uint8Array,
  replaced: string,
  mode = 0o666,
): Promise<string> {
  const attributes = await attributesOf(replaced)
  const path = join(directory, `.persist-mqtt-${randomBytes(8).toString('hex')}.tmp`)
  // 'wx': never through a link that somebody laid there. Nobody else reads it before it has the mode of the old file.
  const file = await open(path, 'wx', attributes === undefined ? mode : 0o600)
  try {
    try {
      if (attributes !== undefined) await adopt(file, attributes)
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await removeTemporary(path)
    throw error
  }
  return path
}

export async function removeTemporary(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}

/** Removes what killed programs have left in a directory; what cannot be removed does no harm. */
export async function sweepTemporary(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((found) => NAME.test(found))) {
    const path = join(directory, name)
    const stats = await stat(path).catch(() => undefined)
    if (stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS) await removeTemporary(path)
  }
}

async function adopt(file: FileHandle, old: { mode: number; uid: number; gid: number }): Promise<void> {
  const { uid, gid } = await file.stat()
  // Root that saves once must not take the file from its owner; anyone else may not give it away, and keeps it.
  if (uid !== old.uid || gid !== old.gid) await file.chown(old.uid, old.gid).catch(() => {})
  // FAT and SMB refuse modes that they cannot keep; 0600, with which the file was made, is the stricter one then.
  await file.chmod(old.mode & 0o7777).catch(() => {})
}
