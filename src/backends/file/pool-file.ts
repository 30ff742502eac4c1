import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { codeOf } from '../../runtime/errors.ts'

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40

/** The path with its symbolic links followed, also to a file that is not there yet: a write must not replace the link. */
export async function followLinks(path: string): Promise<string> {
  let target = path
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      return await realpath(target)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    const next = await readlink(target).catch(() => undefined)
    if (next === undefined) return target
    target = resolve(dirname(target), next)
  }
  throw systemError('ELOOP', 'too many symbolic links')
}

/** The content of a file; null: there is no file. */
export async function readPoolFile(path: string): Promise<Uint8Array | null> {
  let file: FileHandle
  try {
    // With O_NONBLOCK, since opening a pipe would wait for its other end.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  try {
    assertFile(await file.stat())
    return new Uint8Array(await file.readFile())
  } finally {
    await file.close()
  }
}

/** Mode and owner of a file; undefined: there is none. */
export async function attributesOf(path: string): Promise<Pick<Stats, 'mode' | 'uid' | 'gid'> | undefined> {
  try {
    const stats = await stat(path)
    assertFile(stats)
    return stats
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

// A rename would put a plain file in the place of a device or a pipe, `/dev/null` for example.
function assertFile(stats: Stats): void {
  if (stats.isDirectory()) throw systemError('EISDIR', 'a directory')
  if (!stats.isFile()) throw systemError('EINVAL', 'a device, pipe or socket, not a file')
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
