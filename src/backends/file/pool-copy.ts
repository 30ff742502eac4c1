import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeDirectory, renameFile, syncDirectory } from '../../node/disk.ts'
import { followLinks } from './pool-file.ts'
import { removeTemporary, writeTemporary } from './temporary-file.ts'

/** Writes `<file>.before` beside a pool's file, with links followed; null removes it. */
export async function keepPoolCopy(path: string, bytes: Uint8Array | null, signal: AbortSignal): Promise<void> {
  const target = await followLinks(path)
  const copy = `${target}.before`
  const directory = dirname(target)
  if (bytes === null) {
    await rm(copy, { force: true })
    return
  }
  await makeDirectory(directory)
  // With mode and owner of the pool's file, since it has the same variables in it.
  const temporary = await writeTemporary(directory, bytes, target)
  try {
    signal.throwIfAborted()
    await renameFile(temporary, copy)
  } finally {
    await removeTemporary(temporary)
  }
  await syncDirectory(directory)
}
