import { expect, onTestFinished, test } from 'vitest'
import type { Journal } from '../../src/contracts/journal.ts'
import { resolveOptions } from '../../src/store/options.ts'
import { proxiedStore } from '../../src/store/proxy.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { journalPath, openJournaled, waitForNotes } from '../helpers/journaled-store.ts'

// What a journal has while saves wait, land, and come to be held late.

test('a journal forgets what is confirmed, where it was changed since and that was not saved', async () => {
  const path = journalPath()
  const backend = new HeldBackend('{"n":1}', { auto: false })
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  const saved = pt.save()
  const write = await backend.nth(1)
  pt.n = 3
  write.land()
  await saved
  await waitForNotes(path, {})
})

test('a journal forgets a save that was never answered and has arrived', async () => {
  const path = journalPath()
  const backend = new HeldBackend('{"n":1}', { auto: false })
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  const saved = pt.save()
  const write = await backend.nth(1)
  write.fail('ERR_PERSIST_TIMEOUT')
  await expect(saved).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
  backend.foreign(write.text)
  await waitForNotes(path, {})
})

test('a journal has the newest of the saves that wait for a link', async () => {
  const path = journalPath()
  const backend = new HeldBackend('{"n":1}', { auto: false })
  const { pt } = await openJournaled(backend, path)
  backend.offline()
  for (const n of [2, 3]) {
    pt.n = n
    void pt.save()
    await waitForNotes(path, { n: `${n}` })
  }
})

/** A store whose journal writes as the test says. */
async function noting(write: Journal['write']) {
  const journal: Journal = {
    place: 'scripted',
    open: async () => ({ contents: null }),
    keepAside: async () => '',
    write,
    close: async () => {},
  }
  const backend = new HeldBackend('{"n":1}')
  const options = resolveOptions({ backend, saveOnExit: false })
  const store = proxiedStore(options, backend, {
    selfUpdate: () => Promise.reject(new Error('not asked for')),
    makeJournal: async () => journal,
  })
  onTestFinished(() => store.core.close().catch(() => {}))
  const errors: string[] = []
  store.pt.$on('error', ({ code }) => errors.push(code))
  await store.core.open()
  return { ...store, backend, errors }
}

test('a disk that is full again, after something could be written, is told again', async () => {
  let isFull = false
  const { pt, errors } = await noting(async () => {
    if (isFull) throw new Error('full')
  })
  for (const full of [true, true, false, true]) {
    isFull = full
    pt.n = Number(pt.n) + 1
    await pt.save()
  }
  expect(errors).toEqual(['ERR_PERSIST_JOURNAL', 'ERR_PERSIST_JOURNAL'])
})

test('a store that is closed while its journal is written does not write it twice at once', async () => {
  let underWay = 0
  let most = 0
  let proceed = () => {}
  let isHeld = false
  const { pt, core, backend } = await noting(async () => {
    underWay += 1
    most = Math.max(most, underWay)
    if (isHeld) await new Promise<void>((resolve) => (proceed = resolve))
    await new Promise(setImmediate)
    underWay -= 1
  })
  backend.offline()
  isHeld = true
  pt.n = 2
  void pt.save()
  await Promise.resolve()
  // The second one waits for its turn.
  pt.n = 3
  void pt.save()
  const closed = core.close(1).catch(() => {})
  await new Promise<void>((resolve) => {
    pt.$on('status', ({ state }) => state === 'closed' && resolve())
  })
  isHeld = false
  proceed()
  await closed
  expect(most).toBe(1)
})
