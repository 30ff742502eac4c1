import { describe, expect, test } from 'vitest'
import { HeldBackend } from '../helpers/held-backend.ts'
import { afterCrash, journalPath, openJournaled, waitForNotes } from '../helpers/journaled-store.ts'
import { waitFor } from '../helpers/wait.ts'

/** A pool that a script or a device has read, with one variable of its own changed. */
const changed = (read: string, values: object) => JSON.stringify({ ...JSON.parse(read), ...values })

/** A program that has saved a few times; `read` is the pool after each save. */
async function saved(times = 3) {
  const path = journalPath()
  const backend = new HeldBackend('{"theirs":0}')
  const { pt } = await openJournaled(backend, path)
  const read: string[] = []
  for (let n = 1; n <= times; n++) {
    pt.n = n
    await pt.save()
    read.push(backend.payload as string)
  }
  await waitForNotes(path, {})
  const crashed = () => afterCrash(path)
  return { path, pt, backend, read, crashed, last: backend.payload as string }
}

/** Waits until the backend holds this. */
async function settles(backend: HeldBackend, values: object): Promise<void> {
  await waitFor(() => JSON.stringify(JSON.parse(backend.text ?? '{}')) === JSON.stringify(values), {
    what: `${JSON.stringify(values)} to be held`,
  })
}

describe('a stale snapshot that a script writes back after a restart', () => {
  test('undoes no save where there is a journal', async () => {
    const { read, last, crashed } = await saved()
    const backend = new HeldBackend(last)
    const { pt } = await openJournaled(backend, await crashed())
    backend.foreign(changed(read[0] as string, { theirs: 1 }))
    expect({ ...pt }).toEqual({ theirs: 1, n: 3 })
    await settles(backend, { theirs: 1, n: 3 })
  })

  test('counts as a change where there is none', async () => {
    const { read, last } = await saved()
    const backend = new HeldBackend(last)
    const { pt } = await openJournaled(backend, journalPath())
    backend.foreign(changed(read[0] as string, { theirs: 1 }))
    expect({ ...pt }).toEqual({ theirs: 1, n: 1 })
  })

  test('undoes no save after a second restart either', async () => {
    const { read, last, crashed } = await saved()
    const second = new HeldBackend(last)
    const path = await crashed()
    const { pt } = await openJournaled(second, path)
    pt.n = 4
    await pt.save()
    const third = new HeldBackend(second.payload)
    const { pt: after } = await openJournaled(third, await afterCrash(path))
    third.foreign(changed(read[0] as string, { theirs: 1 }))
    expect({ ...after }).toEqual({ theirs: 1, n: 4 })
  })

  test.each([true, false])(
    'undoes no save where a kill came between a write and its confirmation, landed: %s',
    async (hasLanded) => {
      const { pt, backend, read, last, crashed } = await saved()
      backend.auto = false
      pt.n = 4
      void pt.save()
      const write = await backend.nth(4)
      const path = await crashed()
      const after = new HeldBackend(hasLanded ? write.payload : last)
      const { pt: again } = await openJournaled(after, path)
      expect(again.n).toBe(4)
      await settles(after, { theirs: 0, n: 4 })
      for (const stale of [...read, ...(hasLanded ? [write.payload] : [])]) {
        after.foreign(changed(stale, { theirs: 1 }))
        expect({ ...again }).toEqual({ theirs: 1, n: 4 })
        await settles(after, { theirs: 1, n: 4 })
      }
    },
  )
})

test('of a pool that the broker has rolled back, only what is before it is known', async () => {
  const { read, crashed } = await saved()
  const [first = '', second = '', third = ''] = read
  const path = await crashed()
  const backend = new HeldBackend(second)
  const { pt } = await openJournaled(backend, path)
  expect(pt.n).toBe(2)
  backend.foreign(changed(first, { theirs: 1 }))
  expect({ ...pt }).toEqual({ theirs: 1, n: 2 })
  await settles(backend, { theirs: 1, n: 2 })
  // Whoever has what the broker has lost brings it back.
  backend.foreign(changed(third, { theirs: 2 }))
  expect({ ...pt }).toEqual({ theirs: 2, n: 3 })
})

test('a pool that somebody else wrote meanwhile says nothing of what was before', async () => {
  const { read, last, crashed } = await saved()
  const backend = new HeldBackend(changed(last, { theirs: 7 }))
  const { pt } = await openJournaled(backend, await crashed())
  backend.foreign(changed(read[0] as string, { mine: 1 }))
  expect({ ...pt }).toEqual({ theirs: 0, n: 1, mine: 1 })
})

test('a few hundred revisions are kept, and no more', async () => {
  const { read, last, crashed } = await saved(400)
  const path = await crashed()
  for (const [index, n] of [
    [399 - 250, 400],
    [399 - 320, 80],
  ] as const) {
    const backend = new HeldBackend(last)
    const { pt } = await openJournaled(backend, await afterCrash(path))
    backend.foreign(changed(read[index] as string, { theirs: 1 }))
    expect({ ...pt }).toEqual({ theirs: 1, n })
  }
})

describe('a pool without a revision, after a restart', () => {
  /** A script writes a pool, the program ends, and begins again. */
  async function restarted(first: string, path: string, isSaved: boolean) {
    const before = new HeldBackend(first)
    const { pt } = await openJournaled(before, path)
    if (isSaved) {
      pt.n = 1
      await pt.save()
    }
    before.foreign('{"x":1,"n":2}')
    await pt.$close()
    const backend = new HeldBackend(before.payload)
    const { pt: again } = await openJournaled(backend, path)
    return { backend, pt: again }
  }

  test('removes nothing where a store had written the pool before', async () => {
    const { backend, pt } = await restarted('{"x":1}', journalPath(), true)
    backend.foreign('{"n":3}')
    expect({ ...pt }).toEqual({ x: 1, n: 3 })
  })

  test('removes what it leaves out where none had', async () => {
    const { backend, pt } = await restarted('{"x":1}', journalPath(), false)
    backend.foreign('{"n":3}')
    expect({ ...pt }).toEqual({ n: 3 })
  })
})
