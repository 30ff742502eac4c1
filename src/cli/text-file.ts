import { readFile } from 'node:fs/promises'
import { reasonOf } from '../runtime/errors.ts'
import { CliError, EXIT } from './io.ts'

/**
 * The text of a file that a flag names.
 *
 * @param missing what it is where there is no such file
 * @throws {CliError}
 */
export async function textOf(file: string, missing?: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing && missing !== undefined) return missing
    throw unusable(file, 'read', error)
  }
}

/** The error of a file that cannot be used. */
export function unusable(file: string, done: string, cause: unknown): CliError {
  return new CliError(EXIT.failed, `${file} cannot be ${done}: ${reasonOf(cause)}`, { cause })
}
