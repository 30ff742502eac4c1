import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { attributesOf } from './pool-file.ts'

/** Short, since a name may have 255 bytes, and so may that of the pool's file. */
const NAME = /^\.persist-mqtt-[0-9a-f]{16}\.tmp$/
/** No write takes that long, so the program that made an older file was killed; in milliseconds. */
const ABANDONED_AFTER_MS = 10 * 60_000

/**
 * Writes bytes to a new file in a directory; they are on disk when it resolves.
 *
 * @param replaced the file that it will replace, whose mode and owner it gets
 * @param mode of the new file where there is no old one
 */
export async function writeTemporary(
  directory: string,
  bytes: Uint8Array,
  replaced: string,
  mode = 0o666,
): Promise<string> {
  const attributes = await attributesOf(replaced)
  const path = join(directory, `.persist-mqtt-${randomBytes(8).toString('hex')}.tmp`)
  // 'wx' follows no link that an attacker made. 0600 until the file has the mode and owner of the old one.
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

/** Removes temporary files that killed programs have left; those that cannot be removed do no harm. */
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
  // If root saves, the file stays its owner's. Other users may not change the owner, and become it.
  if (uid !== old.uid || gid !== old.gid) await file.chown(old.uid, old.gid).catch(() => {})
  // FAT and SMB refuse modes that they cannot store; the file then keeps 0600, which is stricter.
  await file.chmod(old.mode & 0o7777).catch(() => {})
}
