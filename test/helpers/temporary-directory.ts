import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'

/** A new directory of its own, gone when the test process ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'persist-mqtt-'))
  atExit(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
