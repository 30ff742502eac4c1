import { expect, test } from 'vitest'
import { EventLog } from '../../src/inspector/event-log.ts'
import { PoolHistory } from '../../src/inspector/pool-history.ts'

const bytes = (size: number) => new Uint8Array(size)

test('the last states of each pool are kept', () => {
  const history = new PoolHistory()
  for (let since = 0; since < 300; since++) history.add('garage', { since, bytes: bytes(10) })
  history.add('attic', { since: 1, bytes: null })
  const states = history.of('garage')
  expect([states.length, states[0]?.since, states.at(-1)?.since]).toEqual([200, 100, 299])
  expect(history.of('attic')).toEqual([{ since: 1, bytes: null }])
  expect(history.of('nothing')).toEqual([])
})

test('fewer states of large pools are kept, but one at least', () => {
  const history = new PoolHistory()
  for (let since = 0; since < 10; since++) history.add('garage', { since, bytes: bytes(2 ** 20) })
  expect(history.of('garage').length).toBe(3)
  history.add('attic', { since: 1, bytes: bytes(16 * 2 ** 20) })
  expect(history.of('attic').length).toBe(1)
})

test('of many pools only so many states are kept as there is room for', () => {
  const history = new PoolHistory()
  for (let pool = 0; pool < 100; pool++) {
    for (let since = 0; since < 3; since++) history.add(`pool${pool}`, { since, bytes: bytes(2 ** 20) })
  }
  const kept = Array.from({ length: 100 }, (_, pool) => history.of(`pool${pool}`).length)
  const all = kept.reduce((sum, count) => sum + count)
  expect(all).toBeGreaterThan(30)
  expect(all).toBeLessThanOrEqual(64)
  expect(kept.at(-1)).toBe(3)
})

test('a log of events keeps as many as it has room for, in chunks', () => {
  const log = new EventLog()
  for (let number = 1; number <= 1000; number++) log.add({ type: 'deleted', name: `pool${number}` })
  const first = log.after(0, 1000) ?? []
  expect(first.length).toBeLessThan(40)
  expect(first.map(([number]) => number)).toEqual(first.map((_, index) => index + 1))
  expect(log.after(1000, 1000)).toEqual([])
  expect(log.numberIn(log.idOf(1000))).toBe(1000)
  for (const id of [null, '', 'x-1', log.idOf(1001), log.idOf(-1), `${log.idOf(1)}.5`]) {
    expect(log.numberIn(id)).toBeUndefined()
  }
  for (let number = 0; number < 200; number++) log.add({ type: 'offline', message: 'x'.repeat(100_000) })
  expect(log.after(1000, 1000)).toBeUndefined()
  expect(log.after(log.last - 1, 1000)).toHaveLength(1)
})
