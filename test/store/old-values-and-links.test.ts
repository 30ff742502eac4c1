import { afterEach, expect, it, vi } from 'vitest'
import { opened, saved, settled } from '../helpers/opened-store.ts'

// How long a value that was replaced counts as old, where links break and writes are not answered.

afterEach(() => void vi.useRealTimers())

it('time goes by again when a link is back: a value that was replaced a while ago may be brought back', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { backend, pt } = await opened('{"x":1}')
  backend.offline()
  backend.online()
  await saved(pt, 2)
  vi.advanceTimersByTime(5001)
  backend.foreign('{"x":1}')
  expect(pt.x).toBe(1)
})

it('a save that was never answered and has arrived may be brought back a while later, as any other', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { backend, pt } = await opened('{"x":1}')
  pt.$on('error', () => {})
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  write.fail('ERR_PERSIST_TIMEOUT')
  await expect(save).rejects.toMatchObject({ code: 'ERR_PERSIST_TIMEOUT' })
  backend.auto = true
  backend.foreign(write.text)
  backend.foreign('{"x":3}')
  vi.advanceTimersByTime(5001)
  backend.foreign('{"x":2,"y":9}')
  await settled(pt)
  expect(pt.x).toBe(2)
})

it('what was held before the backend lost some saves is old, where it was changed since', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  await saved(pt, 2)
  backend.offline()
  pt.x = 3
  backend.online('{"x":1}')
  await settled(pt)
  // From who had read the pool before that.
  backend.foreign('{"x":2,"y":9}')
  await settled(pt)
  expect(shown()).toEqual({ x: 3, y: 9 })
})

it('what was held before somebody wrote a value that ours was kept against is old, too', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  pt.x = 2
  backend.foreign('{"x":7}')
  await settled(pt)
  // From who had read the pool before both.
  backend.foreign('{"x":1,"y":9}')
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9 })
})
