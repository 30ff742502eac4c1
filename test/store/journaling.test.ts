import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { namesIn } from '../backends/file/fixture.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { afterCrash, journalPath, notedIn, openJournaled, waitForNotes } from '../helpers/journaled-store.ts'
import { waitFor } from '../helpers/wait.ts'

/** A pool at a place that holds its writes back. */
const held = (text: string | null) => new HeldBackend(text, { auto: false })

test('what was saved is on disk before it is sent, and is there again after a crash', async () => {
  const path = journalPath()
  const backend = held('{"n":1,"gone":true,"same":0}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  pt.list = [{ a: 1 }]
  pt.remove('gone')
  void pt.save()
  await backend.nth(1)
  expect(await notedIn(path)).toEqual({ n: '2', list: '[{"a":1}]', gone: null })

  const again = held('{"n":1,"gone":true,"same":0}')
  const { pt: after, errors, conflicts } = await openJournaled(again, await afterCrash(path))
  expect({ ...after }).toEqual({ n: 2, same: 0, list: [{ a: 1 }] })
  expect(after.$status).toMatchObject({ unsaved: true, lastExit: 'crash' })
  // Saved at once, without being asked.
  const write = await again.nth(1)
  expect(JSON.parse(write.text)).toEqual({ n: 2, same: 0, list: [{ a: 1 }] })
  write.land()
  await waitFor(() => after.$status.state === 'ready' && !after.$status.unsaved, { what: 'the save' })
  expect([errors, conflicts]).toEqual([[], []])
})

test('what was changed and not saved is not noted', async () => {
  const path = journalPath()
  const { pt } = await openJournaled(held('{"n":1}'), path)
  pt.n = 2
  expect(await notedIn(path)).toEqual({})
  const { pt: after } = await openJournaled(new HeldBackend('{"n":1}'), await afterCrash(path))
  expect(after.n).toBe(1)
  expect(after.$status).toMatchObject({ unsaved: false })
})

test('what is confirmed is forgotten, and somebody who puts an old value back is not undone', async () => {
  const path = journalPath()
  const backend = new HeldBackend('{"n":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  await pt.save()
  await waitForNotes(path, {})
  const { pt: after } = await openJournaled(new HeldBackend('{"n":1}'), await afterCrash(path))
  expect(after.n).toBe(1)
})

test('a save that waits behind another one is noted at once, and what may have landed is no conflict', async () => {
  const path = journalPath()
  const backend = held('{"n":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  void pt.save()
  await backend.nth(1)
  pt.n = 3
  void pt.save()
  await waitForNotes(path, { n: '3' })
  expect(backend.writes).toHaveLength(1)
  // Whether the first write landed is not known: neither answer lets somebody else's value win.
  for (const text of ['{"n":1}', '{"n":2}']) {
    const copy = await afterCrash(path)
    const { pt: after, conflicts } = await openJournaled(new HeldBackend(text), copy, { onConflict: 'remote' })
    expect(after.n).toBe(3)
    expect(conflicts).toEqual([])
  }
})

test('a save without a link is noted, and a run of saves is few writes', async () => {
  const path = journalPath()
  const backend = held('{"n":0}')
  const { pt } = await openJournaled(backend, path)
  backend.offline()
  for (pt.n = 1; pt.n < 10_000; pt.n++) void pt.save()
  await waitForNotes(path, { n: '10000' })
  expect(backend.writes).toHaveLength(0)
})

test("a variable that somebody else has changed meanwhile is onConflict's", async () => {
  const path = journalPath()
  const backend = held('{"n":1,"m":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  pt.m = 2
  void pt.save()
  await backend.nth(1)
  const ours = await openJournaled(new HeldBackend('{"n":7,"m":1,"new":1}'), await afterCrash(path))
  expect({ ...ours.pt }).toEqual({ n: 2, m: 2, new: 1 })
  await waitFor(() => ours.conflicts.length > 0, { what: 'the conflict' })
  expect(ours.conflicts).toEqual([{ name: 'n', local: 2, remote: 7, value: 2 }])

  const copy = await afterCrash(path)
  const theirs = await openJournaled(new HeldBackend('{"n":7,"m":1}'), copy, { onConflict: 'remote' })
  expect({ ...theirs.pt }).toEqual({ n: 7, m: 2 })
  await waitFor(() => theirs.conflicts.length > 0, { what: 'the conflict' })
  expect(theirs.conflicts).toEqual([{ name: 'n', local: 2, remote: 7, value: 7 }])
})

test('what was being written again to a backend that had lost it comes back where it is missing, and is no conflict', async () => {
  const path = journalPath()
  const backend = held('{"n":1,"m":1}')
  const { pt } = await openJournaled(backend, path)
  backend.foreign(null)
  await backend.nth(1)
  expect({ ...pt }).toEqual({ n: 1, m: 1 })
  const copy = await afterCrash(path)
  for (const [text, values] of [
    [null, { n: 1, m: 1 }],
    ['{"n":7}', { n: 7, m: 1 }],
  ] as const) {
    const { pt: after, conflicts } = await openJournaled(new HeldBackend(text), await afterCrash(copy))
    expect({ ...after }).toEqual(values)
    expect(conflicts).toEqual([])
  }
})

test('what somebody else wrote over a saved variable is what counts after a crash', async () => {
  const path = journalPath()
  const backend = held('{"n":1}')
  const { pt } = await openJournaled(backend, path, { onConflict: 'remote' })
  pt.n = 2
  const saved = pt.save()
  const write = await backend.nth(1)
  backend.foreign('{"n":7}')
  expect(pt.n).toBe(7)
  await waitForNotes(path, { n: '7' })
  // Also where ours lands over theirs after all: that it was sent is known.
  for (const text of ['{"n":7}', '{"n":2}']) {
    const { pt: after } = await openJournaled(new HeldBackend(text), await afterCrash(path))
    expect(after.n).toBe(7)
  }
  write.fail('ERR_PERSIST_DENIED')
  await expect(saved).rejects.toMatchObject({ code: 'ERR_PERSIST_DENIED' })
})

test('an older version that was killed is migrated with what it could not save', async () => {
  const path = journalPath()
  const backend = held('{"n":1,"$version":1}')
  const { pt } = await openJournaled(backend, path, { version: 1 })
  pt.n = 2
  void pt.save()
  await backend.nth(1)
  const migrate = { 2: ({ n, ...rest }: Record<string, unknown>) => ({ ...rest, total: n }) as never }
  const next = new HeldBackend('{"n":1,"$version":1}')
  const { pt: after } = await openJournaled(next, await afterCrash(path), { version: 2, migrate })
  expect(after.total).toBe(2)
  await after.save()
  expect(JSON.parse(next.text ?? '')).toEqual({ total: 2, $version: 2 })
})

test('lastExit tells a store that was closed from one that was not, and nothing at the first start', async () => {
  const path = journalPath()
  const first = await openJournaled(new HeldBackend(null), path)
  expect(first.pt.$status).not.toHaveProperty('lastExit')
  const crashed = await afterCrash(path)
  await first.pt.$close()
  const second = await openJournaled(new HeldBackend(null), path)
  expect(second.pt.$status).toMatchObject({ lastExit: 'clean' })
  const third = await openJournaled(new HeldBackend(null), crashed)
  expect(third.pt.$status).toMatchObject({ lastExit: 'crash' })
  const none = await new HeldBackend(null).openers.openStore({ name: 'x', saveOnExit: false })
  expect(none.$status).not.toHaveProperty('lastExit')
})

test('a store that could not be opened leaves the journal as it was', async () => {
  const path = journalPath()
  const backend = held('{"n":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  void pt.save()
  await backend.nth(1)
  const copy = await afterCrash(path)
  await expect(openJournaled(new HeldBackend('no pool'), copy)).rejects.toMatchObject({
    code: 'ERR_PERSIST_BAD_PAYLOAD',
  })
  await expect(openJournaled(new HeldBackend(null), copy, { empty: 'fail' })).rejects.toMatchObject({
    code: 'ERR_PERSIST_EMPTY',
  })
  const { pt: after } = await openJournaled(new HeldBackend('{"n":1}'), copy)
  expect(after.n).toBe(2)
  expect(after.$status).toMatchObject({ lastExit: 'crash' })
})

test('closing with a backend that does not answer leaves to the next start what could not be saved', async () => {
  const path = journalPath()
  const { pt } = await openJournaled(held('{"n":1}'), path)
  pt.n = 2
  await expect(pt.$close()).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
  const { pt: after } = await openJournaled(new HeldBackend('{"n":1}'), path)
  expect(after.n).toBe(2)
  expect(after.$status).toMatchObject({ lastExit: 'clean' })
})

test('what could not be saved before another program took the pool over is there at the next start', async () => {
  const path = journalPath()
  const backend = held('{"n":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  const saved = pt.save()
  await backend.nth(1)
  backend.ended()
  await expect(saved).rejects.toMatchObject({ code: 'ERR_PERSIST_TAKEN_OVER' })
  await pt.$close()
  const { pt: after } = await openJournaled(new HeldBackend('{"n":1,"theirs":1}'), path)
  expect({ ...after }).toEqual({ n: 2, theirs: 1 })
})

test('zero(true) begins anew, whatever the journal has', async () => {
  const path = journalPath()
  const backend = held('{"n":1}')
  const { pt } = await openJournaled(backend, path)
  pt.n = 2
  void pt.save()
  await backend.nth(1)
  const broken = new HeldBackend('no pool')
  const given = { name: 'garage', saveOnExit: false, journal: await afterCrash(path) }
  const store = broken.openers.createStore(given)
  onTestFinished(() => store.$close())
  await waitFor(() => store.$status.state === 'waiting', { what: 'the store to see what is there' })
  await store.zero(true)
  expect(broken.text).toBe('{}')
})

const DAMAGED: [what: string, content: string][] = [
  ['torn', 'persist-mqtt journal 1 0123456789abcdef0123456789abcdef\n{"store":"held","clean":false,"var'],
  ['empty', ''],
  ['something else', 'Dear diary, today I was overwritten.\n'],
]

test.each(DAMAGED)('a journal that is %s is kept aside and reported', async (_what, content) => {
  const path = journalPath()
  await writeFile(path, content)
  const backend = new HeldBackend('{"n":1}')
  const { pt, errors } = await openJournaled(backend, path)
  expect(pt.n).toBe(1)
  expect(pt.$status).not.toHaveProperty('lastExit')
  await waitFor(() => errors.length > 0, { what: 'the report' })
  expect(errors).toMatchObject([{ code: 'ERR_PERSIST_JOURNAL' }])
  const [kept = ''] = (await namesIn(dirname(path))).filter((name) => name.startsWith('garage.journal.corrupt-'))
  expect(errors[0]?.message).toContain(kept)
  expect(await readFile(`${dirname(path)}/${kept}`, 'utf8')).toBe(content)
  // And a new one works from here on.
  backend.auto = false
  pt.n = 2
  void pt.save()
  await waitForNotes(path, { n: '2' })
})

test('a journal that is in use is refused before anything is opened', async () => {
  const path = journalPath()
  await openJournaled(new HeldBackend(null), path)
  const second = new HeldBackend(null)
  const open = vi.spyOn(second, 'open')
  await expect(openJournaled(second, path)).rejects.toMatchObject({ code: 'ERR_PERSIST_LOCKED' })
  expect(open).not.toHaveBeenCalled()
})

test('nobody else may read it, and it is nowhere without the option', async () => {
  const path = journalPath()
  const { pt } = await openJournaled(new HeldBackend(null), path)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await namesIn(dirname(path))).toEqual(['garage.journal', 'garage.journal.lock'])
  await pt.$close()
  expect(await namesIn(dirname(path))).toEqual(['garage.journal'])
  // A store that only reads has nothing to note.
  const reader = journalPath()
  await openJournaled(new HeldBackend('{}'), reader, { readOnly: true })
  expect(await namesIn(dirname(reader))).toEqual([])
})

test('in a browser the option is refused', async () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor
  Object.defineProperty(process, 'versions', { value: {}, configurable: true })
  onTestFinished(() => void Object.defineProperty(process, 'versions', versions))
  await expect(openJournaled(new HeldBackend(null), journalPath())).rejects.toMatchObject({
    code: 'ERR_PERSIST_OPTION',
    received: 'journal',
  })
})
