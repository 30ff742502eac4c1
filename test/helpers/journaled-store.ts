import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { PersistError } from '../../src/runtime/errors.ts'
import type { StoreEvents } from '../../src/store/events.ts'
import type { LooseStore } from '../../src/store/members.ts'
import type { StoreOptions } from '../../src/store/options.ts'
import type { HeldBackend } from './held-backend.ts'
import { opened } from './opened-store.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { waitFor } from './wait.ts'

/** A path for a journal, in a directory of its own. */
export function journalPath(): string {
  return join(temporaryDirectory(), 'garage.journal')
}

export interface Journaled {
  readonly pt: LooseStore
  /** What it has told so far. */
  readonly errors: readonly PersistError[]
  readonly conflicts: readonly StoreEvents['conflict'][]
}

/** A store with a journal; let go of at the end of the test. */
export async function openJournaled(
  backend: HeldBackend,
  journal: string,
  options: StoreOptions = {},
): Promise<Journaled> {
  const { pt, told } = await opened(backend, { saveTimeoutMs: 400, journal, ...options })
  onTestFinished(() => pt.$close().catch(() => {}))
  return { pt, errors: told.error, conflicts: told.conflict }
}

/** What a journal file has in it: each variable's text. */
export async function notedIn(path: string): Promise<Record<string, string | null>> {
  const [, body = ''] = (await readFile(path, 'utf8')).split('\n')
  const { variables } = JSON.parse(body) as { variables: [string, string | null][] }
  return Object.fromEntries(variables.map(([name, text]) => [name, text]))
}

/** Waits until a journal file has exactly this. */
export async function waitForNotes(path: string, notes: Record<string, string | null>): Promise<void> {
  const wanted = JSON.stringify(notes)
  await waitFor(async () => JSON.stringify(await notedIn(path)) === wanted, { what: `the journal to have ${wanted}` })
}

/** The journal as a program would find it, if the one that has it now were killed at this moment. */
export async function afterCrash(path: string): Promise<string> {
  const found = journalPath()
  await copyFile(path, found)
  return found
}
