import { execFile } from 'node:child_process'
import process from 'node:process'
import { PersistError, reasonOf } from '../runtime/errors.ts'
import { VERSION } from '../runtime/version.ts'

const NAME = 'persist-mqtt'
const LIMIT_MS = 15_000
/** Also of a pre-release: 1.0.0-beta.1. */
const VERSION_NUMBER = /^\d+\.\d+\.\d+([-+][\w.+-]+)?$/

/** The result of {@link selfUpdate}. */
export interface SelfUpdate {
  readonly current: string
  readonly latest: string
  readonly newer: boolean
  /** What to type to install the latest version. */
  readonly command: string
}

/**
 * Asks npm for the latest published version, for a user at a terminal: it starts the command npm, which uses the
 * network.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT: there is no npm, or it does not answer
 */
export async function selfUpdate(): Promise<SelfUpdate> {
  // npm knows the registry, the proxy and the certificates that are configured on this machine.
  const latest = await new Promise<string>((resolve, reject) => {
    const shell = process.platform === 'win32'
    execFile('npm', ['view', NAME, 'version'], { timeout: LIMIT_MS, shell }, (cause, stdout, stderr) => {
      const answer = stdout.trim()
      // The first error line of npm says more than its exit code.
      const said = stderr.split('\n').find((line) => /^npm (error|ERR!)/.test(line))
      if (cause !== null) reject(connectError(said ?? reasonOf(cause).split('\n', 1)[0] ?? '', cause))
      else if (!VERSION_NUMBER.test(answer)) reject(connectError('npm answered with no version'))
      else resolve(answer)
    })
  })
  const newer = isNewer(latest, VERSION)
  return { current: VERSION, latest, newer, command: `npm install ${NAME}@${latest}` }
}

/** Is a version newer, by major, minor and patch? A pre-release never is. */
export function isNewer(latest: string, current: string): boolean {
  const [a, b] = [latest, current].map((version) => /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number))
  if (a === undefined || b === undefined) return false
  const index = a.findIndex((part, at) => part !== b[at])
  return index >= 0 && (a[index] as number) > (b[index] as number)
}

function connectError(reason: string, cause?: unknown): PersistError {
  const text = `The latest version of ${NAME} could not be asked for: ${reason}.`
  return new PersistError('ERR_PERSIST_CONNECT', text, { cause })
}
