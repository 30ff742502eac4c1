import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { LooseStore } from '../../src/store/members.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

// A save that has ten seconds, whatever it waits for.

let backend: HeldBackend
let pt: LooseStore
let errors: string[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  backend = new HeldBackend('{"n":0}', { auto: false })
  pt = await backend.openers.openStore({ name: 'garage', saveOnExit: false, saveTimeoutMs: 10_000 })
  errors = []
  pt.$on('error', ({ code }) => errors.push(code))
})
afterEach(() => void vi.useRealTimers())

/** What has become of a promise by now. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'pending'
  promise.then(
    () => (outcome = 'resolved'),
    ({ code }) => (outcome = code),
  )
  await vi.advanceTimersByTimeAsync(0)
  return outcome
}

it('a write that waited for another one has what is left of its time', async () => {
  pt.n = 1
  void pt.save()
  pt.n = 2
  void pt.save()
  await vi.advanceTimersByTimeAsync(6000)
  ;(await backend.nth(1)).land()
  const { limitMs } = await backend.nth(2)
  expect(limitMs).toBe(4000)
})

it('a write whose link breaks after its time fails, and does not wait for another link', async () => {
  pt.n = 1
  const save = pt.save()
  await vi.advanceTimersByTimeAsync(10_001)
  backend.offline()
  backend.writes[0]?.fail('ERR_PERSIST_CONNECT')
  expect(await outcomeOf(save)).toBe('ERR_PERSIST_CONNECT')
})

it('saves that a broken link has made one are late once, if at all', async () => {
  pt.n = 1
  void pt.save()
  pt.n = 2
  void pt.save()
  backend.offline()
  backend.writes[0]?.fail('ERR_PERSIST_CONNECT')
  await vi.advanceTimersByTimeAsync(9000)
  backend.online()
  ;(await backend.nth(2)).land()
  await vi.advanceTimersByTimeAsync(9000)
  expect(errors).toEqual([])
})

it.each(['lands', 'fails'])('of a write that %s after its store was closed nothing more is told', async (what) => {
  pt.n = 1
  void pt.save()
  backend.foreign('{"n":0,"theirs":1}')
  const closed = outcomeOf(pt.$close())
  await vi.advanceTimersByTimeAsync(10_000)
  await closed
  const before = [...errors]
  if (what === 'lands') backend.writes[0]?.land()
  else backend.writes[0]?.fail('ERR_PERSIST_CLOSED')
  await vi.advanceTimersByTimeAsync(20_000)
  expect(errors).toEqual(before)
})

it('what is changed after a save that has failed and one that has not is sent when it is saved, not by a link', async () => {
  pt.n = 1
  const late = pt.save()
  backend.writes[0]?.fail('ERR_PERSIST_TIMEOUT')
  expect(await outcomeOf(late)).toBe('ERR_PERSIST_TIMEOUT')
  const save = pt.save()
  ;(await backend.nth(2)).land()
  await save
  pt.n = 2
  backend.offline()
  backend.online()
  await vi.advanceTimersByTimeAsync(0)
  expect(backend.writes).toHaveLength(2)
})

it('a save that was refused is not tried again where the link breaks after it, and so is never late', async () => {
  pt.n = 1
  const save = pt.save()
  ;(await backend.nth(1)).fail('ERR_PERSIST_DENIED')
  expect(await outcomeOf(save)).toBe('ERR_PERSIST_DENIED')
  backend.offline()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(errors).not.toContain('ERR_PERSIST_TIMEOUT')
})

it('a save that is late says what it waited for', async () => {
  const late = () => pt.save().catch((error) => error.message)
  pt.n = 1
  void pt.save()
  pt.n = 2
  const behind = late()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await behind).toContain('the write before it is still under way')
  ;(await backend.nth(1)).land()
  backend.offline()
  pt.n = 3
  const unlinked = late()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await unlinked).toContain('there is no link to the backend')
})
