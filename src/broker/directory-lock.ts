import { join } from 'node:path'
import { lockFile } from '../node/process-lock.ts'
import { PersistError } from '../runtime/errors.ts'

/**
 * Makes this process the only one that uses a directory, until the returned function is called.
 *
 * @throws PersistError `ERR_PERSIST_FAILED` when another process, or this one, uses the directory already.
 */
export function lockDirectory(directory: string): () => void {
  return lockFile(join(directory, 'lock'), (holder) => inUse(directory, holder))
}

function inUse(directory: string, holder: string): PersistError {
  const pid = holder.split(' ')[0] ?? ''
  const who = pid === String(process.pid) ? 'this process itself' : `the process ${pid}`
  return new PersistError(
    'ERR_PERSIST_FAILED',
    `The data directory ${directory} is in use by ${who}. One broker only may use it: close the other, or choose another directory.`,
    { store: directory, received: holder },
  )
}
