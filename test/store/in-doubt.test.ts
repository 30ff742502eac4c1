import { expect, test } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'
import { afterCrash, journalPath, notedIn, openJournaled } from '../helpers/journaled-store.ts'

test('a value that went back, while it is not known whether the other one has arrived, comes back', async () => {
  const path = journalPath()
  const backend = new HeldBackend('{"v":"A"}', { auto: false })
  const { pt } = await openJournaled(backend, path)
  pt.v = 'B'
  const first = pt.save()
  const write = await backend.nth(1)
  // It lands, and nobody hears of it.
  backend.payload = write.payload
  write.fail('ERR_PERSIST_TIMEOUT')
  await expect(first).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
  pt.v = 'A'
  void pt.save()
  // What is sent is on the disk before.
  await backend.nth(2)
  expect(await notedIn(path)).toEqual({ v: '"A"' })
  const next = await openJournaled(new HeldBackend(backend.payload), await afterCrash(path))
  expect(next.pt.v).toBe('A')
})
