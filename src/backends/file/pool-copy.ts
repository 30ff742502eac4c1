import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeDirectory, syncDirectory } from '../../node/disk.ts'
import { followLinks } from './pool-file.ts'
import { removeTemporary, writeTemporary } from './temporary-file.ts'

/** Keeps bytes as `<file>.before`, beside the file that a path leads to, or removes what is there (null). */
export async function keepPoolCopy(path: string, bytes: Uint8Array | null, signal: AbortSignal): Promise<void> {
  const target = await followLinks(path)
  const copy = `${target}.before`
  const directory = dirname(target)
  if (bytes === null) {
    await rm(copy, { force: true })
    return
  }
  await makeDirectory(directory)
  // With mode and owner of the pool's own file: it has the same in it.
  const temporary = await writeTemporary(directory, bytes, target)
  try {
    signal.throwIfAborted()
    await rename(temporary, copy)
  } finally {
    await removeTemporary(temporary)
  }
  await syncDirectory(directory)
}
