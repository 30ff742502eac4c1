import { expect, it, onTestFinished, vi } from 'vitest'
import { startedStore } from '../../src/open/open-store.ts'
import { asWritten, bytesOf } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

it.each([
  ['are faster', 'overwritten'],
  ['have written what it writes over', 'written'],
] as const)('an editor waits for its turn where others %s, twice as long each time', async (_what, outcome) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
  const backend = new HeldBackend(asWritten('{"$rev":"test.1<0","x":0,"y":0}'), { auto: false })
  const { core } = await startedStore({ name: 'garage', saveOnExit: false }, () => backend, true)
  let count = 0
  /** How long it waits when its write lost against somebody's. */
  const waited = async () => {
    const { length } = backend.writes
    count += 1
    backend.foreign(asWritten(`{"$rev":"theirs.${count}<test.1","x":${count},"y":0}`))
    backend.writes.at(-1)?.land(outcome)
    for (let ms = 0; ; ms += 5) {
      await vi.advanceTimersByTimeAsync(0)
      if (backend.writes.length > length) return ms
      await vi.advanceTimersByTimeAsync(5)
    }
  }
  for (const y of [1, 2]) {
    const answer = core.requested({ kind: 'patch', bytes: bytesOf(`{"y":${y}}`), isAnswered: true })
    await vi.advanceTimersByTimeAsync(0)
    const waits: number[] = []
    for (let loss = 0; loss < 9; loss++) waits.push(await waited())
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 640, 640])
    backend.writes.at(-1)?.land()
    await answer
  }
})
