import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { codeOf } from '../runtime/errors.ts'

const ATTEMPTS = 10

/**
 * Makes this process the only one that holds a lock, until the returned function is called.
 *
 * The lock of a process that has ended (killed, or by a restart of the machine) does not count. Processes that cannot
 * see each other, such as those of two containers with one volume, are not kept apart.
 *
 * @param file the lock file; it exists while a process holds the lock, and stays when that is killed
 * @param inUse makes the error that is thrown where a process holds the lock; `holder` begins with its pid
 */
export function lockFile(file: string, inUse: (holder: string) => Error): () => void {
  const own = `${file}.${process.pid}`
  const identity = `${process.pid} ${startOf(process.pid)}`
  // Written under another name and then linked, so that the lock is never there without its contents.
  // What an earlier process of the same pid has left, or a link that leads elsewhere, is not written to.
  rmSync(own, { force: true })
  writeFileSync(own, identity, { flag: 'wx' })
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (linked(own, file)) return () => rmSync(file, { force: true })
      const holder = contents(file)
      if (holder !== undefined && isAlive(holder)) throw inUse(holder)
      if (holder !== undefined) setAside(file, `${own}.stale`, holder)
    }
    throw inUse(contents(file) ?? '')
  } finally {
    rmSync(own, { force: true })
  }
}

// Two processes may find the same stale lock. One of them renames it; the other may then rename the new lock of the
// first, sees that it is not the one it had read, and puts it back.
function setAside(file: string, aside: string, expected: string): void {
  try {
    renameSync(file, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (contents(aside) !== expected) linked(aside, file)
  rmSync(aside, { force: true })
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function isAlive(holder: string): boolean {
  const [text = '', start = ''] = holder.split(' ')
  const pid = Number(text)
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  // In a container a program gets the same small pid at each start, so the pid alone proves nothing.
  const running = startOf(pid)
  return start === '' || running === '' || start === running
}

/** When a process started, as Linux counts it: id of the boot, and clock ticks since; empty on other systems. */
function startOf(pid: number): string {
  const boot = contents('/proc/sys/kernel/random/boot_id')?.trim()
  // The program's name is in brackets and may have spaces; the start is the 20th field after it (proc(5), field 22).
  const stat = contents(`/proc/${pid}/stat`)
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return boot === undefined || ticks === undefined ? '' : `${boot}:${ticks}`
}

function contents(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
