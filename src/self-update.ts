import { PersistError, reasonOf } from './errors.ts'
import { VERSION } from './version.ts'

const NAME = 'persist-mqtt'
const LIMIT_MS = 15_000

/** What {@link selfUpdate} found out. */
export interface SelfUpdate {
  readonly current: string
  readonly latest: string
  readonly newer: boolean
  /** What to type to install the latest version. */
  readonly command: string
}

/**
 * Asks npm for the latest published version. For a person at a terminal: it starts the npm command and uses the network.
 *
 * @throws {PersistError} ERR_PERSIST_CONNECT where npm is not there or does not answer
 */
export async function selfUpdate(): Promise<SelfUpdate> {
  // npm knows the registry, the proxy and the certificates that are configured on this machine.
  const childProcess = globalThis.process?.getBuiltinModule?.('node:child_process')
  if (childProcess === undefined) throw connectError('there is no npm here (this is not Node)')
  const latest = await new Promise<string>((resolve, reject) => {
    const shell = process.platform === 'win32'
    childProcess.execFile('npm', ['view', NAME, 'version'], { timeout: LIMIT_MS, shell }, (cause, stdout) => {
      if (cause === null) resolve(stdout.trim())
      else reject(connectError(reasonOf(cause).split('\n', 1)[0] ?? '', cause))
    })
  })
  const newer = isNewer(latest, VERSION)
  return { current: VERSION, latest, newer, command: `npm install ${NAME}@${latest}` }
}

/** Compares versions by major, minor and patch; a pre-release is not offered. */
export function isNewer(latest: string, current: string): boolean {
  const [a, b] = [latest, current].map((version) => /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number))
  if (a === undefined || b === undefined) return false
  const index = a.findIndex((part, at) => part !== b[at])
  return index >= 0 && (a[index] as number) > (b[index] as number)
}

function connectError(reason: string, cause?: unknown): PersistError {
  const text = `The latest version of ${NAME} could not be asked for: ${reason}.`
  return new PersistError('ERR_PERSIST_CONNECT', text, cause === undefined ? {} : { cause })
}
