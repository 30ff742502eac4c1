import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { onTestFinished } from 'vitest'
import { fileBackend } from '../../../src/backends/file/file-backend.ts'
import type { Backend } from '../../../src/contracts/backend.ts'
import { atExit } from '../../helpers/at-exit.ts'
import { textOf } from '../../helpers/bytes.ts'
import { RecordingListener, type Told } from '../../helpers/recording-listener.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

export const LIMIT_MS = 5000

/** A file backend that is open, and closed at the end of the test. */
export async function openedFile(path: string): Promise<{ backend: Backend; told: Told[]; text: string | null }> {
  const backend = fileBackend(path)
  onTestFinished(() => backend.close())
  const listener = new RecordingListener()
  const { bytes } = await backend.open(listener, LIMIT_MS)
  return { backend, told: listener.told, text: textOf(bytes) }
}

/** The names in a directory, in order. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).toSorted()
}

let program: Promise<string> | undefined

/** `program.ts` as one file that plain Node runs: there may be no build yet. */
export function fileProgram(): Promise<string> {
  program ??= bundle()
  return program
}

async function bundle(): Promise<string> {
  const outfile = join(temporaryDirectory(), 'file-program.mjs')
  const entry = new URL('program.ts', import.meta.url).pathname
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
  return outfile
}

/** Whether this user may mount; where not, one line says which tests that costs. */
export function mayMount(): boolean {
  const path = temporaryDirectory()
  const mounted = mount('-t', 'tmpfs', 'tmpfs', path)
  if (mounted) unmount(path)
  else process.stderr.write('Skipped, because this user may not mount: full disk, read-only disk, mounted file.\n')
  return mounted
}

/** A file system of its own, so small that it can be filled. */
export function smallDisk(size: string): { path: string; remountReadOnly(): void } {
  const path = temporaryDirectory()
  mounted(path, '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs')
  return { path, remountReadOnly: () => mounted(path, '-o', 'remount,ro') }
}

/** Mounts until the end of the test, at the latest of the process. */
export function mounted(path: string, ...options: string[]): void {
  if (!mount(...options, path)) throw new Error(`Could not be mounted: ${options.join(' ')} ${path}`)
  atExit(() => unmount(path))
  onTestFinished(() => unmount(path))
}

function mount(...args: string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0
}

export function unmount(path: string): void {
  spawnSync('umount', ['--lazy', path], { stdio: 'ignore' })
}
