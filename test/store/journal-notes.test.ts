import { expect, test } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'
import { journalPath, openJournaled, waitForNotes } from '../helpers/journaled-store.ts'

// What a journal has while saves wait, land, and come to be held late.

test('what is confirmed is forgotten where it was changed since, and that was not saved', async () => {
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

test('a save that was never answered and has arrived is forgotten', async () => {
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

test('of saves that wait for a link the newest is noted', async () => {
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
