import { constants } from 'node:fs'
import { copyFile, link } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory, syncFile } from '../../node/disk.ts'
import { codeOf } from '../../runtime/errors.ts'

const MAX_ATTEMPTS = 100

/**
 * Keeps a file that holds no pool under another name, `<file>.corrupt-<time>`, before it is replaced.
 *
 * By a second name (a hard link), not by rename: so at every moment there is a file under the first name.
 */
export async function keepCorrupt(path: string, now: Date = new Date()): Promise<string> {
  // Windows allows no colons in names.
  const base = `${path}.corrupt-${now.toISOString().replaceAll(':', '')}`
  for (let attempt = 1; ; attempt++) {
    const kept = attempt === 1 ? base : `${base}-${attempt}`
    try {
      await linkOrCopy(path, kept)
      // On disk before the first name goes to the new file.
      await syncDirectory(dirname(kept))
      return kept
    } catch (error) {
      // Neither call overwrites anything.
      if (codeOf(error) !== 'EEXIST' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

async function linkOrCopy(path: string, kept: string): Promise<void> {
  try {
    await link(path, kept)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error
    // FAT and some network file systems have no hard links, and Linux may deny one to another user's file.
    await copyFile(path, kept, constants.COPYFILE_EXCL)
    await syncFile(kept)
  }
}
