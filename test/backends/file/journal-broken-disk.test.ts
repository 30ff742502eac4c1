import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Journal } from '../../../src/contracts/journal.ts'
import type { PersistError } from '../../../src/runtime/errors.ts'
import { resolveOptions } from '../../../src/store/options.ts'
import { proxiedStore } from '../../../src/store/proxy.ts'
import { HeldBackend } from '../../helpers/held-backend.ts'
import { journalPath, notedIn, openJournaled, waitForNotes } from '../../helpers/journaled-store.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { waitFor } from '../../helpers/wait.ts'
import { mayMount, namesIn, smallDisk } from './fixture.ts'

const mounts = mayMount()

test.skipIf(!mounts)('a full disk keeps no save from its place, and is told once', async () => {
  const disk = smallDisk('64k')
  const path = join(disk.path, 'garage.journal')
  const backend = new HeldBackend(null)
  const { pt, errors } = await openJournaled(backend, path)
  pt.large = 'x'.repeat(100_000)
  await pt.save()
  pt.large += 'y'
  await pt.save()
  expect(JSON.parse(backend.text ?? '')).toEqual({ ...pt })
  expect(errors.map(({ code }) => code)).toEqual(['ERR_PERSIST_JOURNAL'])
  expect(errors[0]?.message).toMatch(/ENOSPC|disk is full/)
  expect(await notedIn(path)).toEqual({})
  // What fits is noted again.
  backend.auto = false
  pt.small = 1
  void pt.save()
  await waitForNotes(path, { small: '1' })
  expect((await namesIn(disk.path)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test.skipIf(!mounts)('a disk that is full from the start, or read-only, keeps no store from opening', async () => {
  const full = smallDisk('64k')
  await writeFile(join(full.path, 'filler'), 'x'.repeat(64 * 1024)).catch(() => {})
  const readOnly = smallDisk('64k')
  readOnly.remountReadOnly()
  for (const { path } of [full, readOnly]) {
    const backend = new HeldBackend('{"n":1}')
    const { pt, errors } = await openJournaled(backend, join(path, 'garage.journal'))
    await waitFor(() => errors.length > 0, { what: 'the report' })
    expect(errors.map(({ code }) => code)).toEqual(['ERR_PERSIST_JOURNAL'])
    pt.n = 2
    await pt.save()
    expect(backend.text).toBe('{"n":2}')
  }
})

test('a journal that is a directory keeps no store from opening', async () => {
  const { pt, errors } = await openJournaled(new HeldBackend('{"n":1}'), temporaryDirectory())
  await waitFor(() => errors.length > 0, { what: 'the report' })
  expect(errors).toMatchObject([{ code: 'ERR_PERSIST_JOURNAL' }])
  expect(pt.n).toBe(1)
})

test('a disk that is stuck holds a save up for seconds only, and what is noted then is the newest', async () => {
  const written: string[] = []
  let finish: (() => void) | undefined
  const stuck: Journal = {
    place: 'stuck',
    open: async () => ({ contents: null }),
    keepAside: async () => '',
    write: async ({ entries }) => {
      if (entries.size > 0 && written.length === 1) await new Promise<void>((resolve) => (finish = resolve))
      written.push(entries.get('n')?.text ?? '')
    },
    close: async () => {},
  }
  const backend = new HeldBackend('{"n":1}')
  const options = resolveOptions({ backend, saveOnExit: false })
  const { pt, core } = proxiedStore(options, backend, {
    selfUpdate: () => Promise.reject(new Error('not asked for')),
    makeJournal: async () => stuck,
  })
  onTestFinished(() => core.close())
  const errors: PersistError[] = []
  core.context.events.on('error', (error) => errors.push(error))
  await core.open()
  pt.n = 2
  await pt.save()
  expect(backend.text).toBe('{"n":2}')
  expect(errors).toMatchObject([{ code: 'ERR_PERSIST_JOURNAL' }])
  // Nothing waits for it as long as it is stuck.
  backend.auto = false
  pt.n = 3
  void pt.save()
  expect((await backend.nth(2)).text).toBe('{"n":3}')
  finish?.()
  await waitFor(() => written.at(-1) === '3', { what: 'the newest value to be noted' })
  backend.writes.at(-1)?.land()
})

test('nothing of a journal is left open: a hundred stores, one after the other', async () => {
  const path = journalPath()
  const backend = new HeldBackend(null)
  for (let n = 1; n <= 100; n++) {
    const pt = await backend.openers.openStore({ name: 'garage', saveOnExit: false, journal: path })
    pt.n = pt.find('n', 0) + 1
    await pt.$close()
  }
  expect(backend.text).toBe('{"n":100}')
})
