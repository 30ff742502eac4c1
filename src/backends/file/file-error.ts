import { dirname } from 'node:path'
import { codeOf, PersistError, type PersistErrorCode, reasonOf } from '../../runtime/errors.ts'

/** The system's error codes, in words for the owner of the pool at `path`, and what to do. */
const MEANINGS: Readonly<Record<string, readonly [code: PersistErrorCode, text: (path: string) => string]>> = {
  EROFS: [
    'ERR_PERSIST_DENIED',
    () => 'its file system is mounted read-only. Choose another path, or mount it writable',
  ],
  ENOSPC: ['ERR_PERSIST_FAILED', () => 'the disk is full. Make room and save again'],
  EDQUOT: ['ERR_PERSIST_FAILED', () => "this user's disk quota is used up. Make room and save again"],
  EISDIR: ['ERR_PERSIST_FAILED', () => 'it is a directory. Give the path of a file'],
  ENOTDIR: ['ERR_PERSIST_FAILED', () => 'a part of its path is a file, not a directory. Correct the path'],
  EEXIST: ['ERR_PERSIST_FAILED', () => 'a part of its path is a file, not a directory. Correct the path'],
  ELOOP: ['ERR_PERSIST_FAILED', () => 'its symbolic links lead in a circle. Correct them'],
  ENAMETOOLONG: ['ERR_PERSIST_FAILED', () => 'its name is too long for the file system. Choose a shorter one'],
  EBUSY: [
    'ERR_PERSIST_FAILED',
    (path) =>
      'it cannot be replaced while something else holds it. Where it is a single file mounted into a container, ' +
      `mount its directory ${dirname(path)} instead`,
  ],
}

/** The PersistError for a file that could not be read or written; a PersistError stays as it is. */
export function fileError(thrown: unknown, path: string, done: 'read' | 'written'): PersistError {
  if (thrown instanceof PersistError) return thrown
  const [code, text] = MEANINGS[codeOf(thrown) ?? ''] ?? denial(thrown, path, done)
  const untouched = done === 'written' ? ' What was there before is unchanged.' : ''
  const message = `${path} could not be ${done}: ${text(path)}.${untouched} (${reasonOf(thrown)})`
  return new PersistError(code, message, { store: path, cause: thrown })
}

/** The disk, or the network to it, has not answered in time. */
export function lateFileError(path: string, done: 'read' | 'written', limitMs: number): PersistError {
  const text = `${path} could not be ${done} within ${Math.round(limitMs)} ms: its disk, or the network to it, is stuck.`
  return new PersistError('ERR_PERSIST_TIMEOUT', text, { store: path })
}

/** The file was replaced, but a power cut may still bring back the old one. */
export function uncertainFileError(path: string, cause: unknown): PersistError {
  const text = `${path} was written, but its directory could not be brought to disk (${reasonOf(cause)}). Save again.`
  return new PersistError('ERR_PERSIST_FAILED', text, { store: path, cause })
}

export function closedFileError(path: string): PersistError {
  return new PersistError('ERR_PERSIST_CLOSED', `${path} is not open, or was closed meanwhile.`, { store: path })
}

function denial(thrown: unknown, path: string, done: string): readonly [PersistErrorCode, () => string] {
  const code = codeOf(thrown)
  if (code !== 'EACCES' && code !== 'EPERM') return ['ERR_PERSIST_FAILED', () => 'the system refused']
  // A rename needs write permission for the directory, not for the file.
  const needed = done === 'read' ? `read permission for ${path}` : `write permission for the directory ${dirname(path)}`
  return ['ERR_PERSIST_DENIED', () => `this user has no permission. Give it ${needed}`]
}
