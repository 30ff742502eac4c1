import { expect, test } from 'vitest'
import { Recent } from '../../../src/merge/history/recent.ts'

test('recent things take at least half of their limit, and at most all of it', () => {
  const recent = new Recent<number, string>(100)
  for (let key = 0; key < 1000; key++) {
    recent.set(key, `value ${key}`)
    const kept = Array.from({ length: key + 1 }, (_, other) => other).filter((other) => recent.has(other))
    expect(kept.length).toBeLessThanOrEqual(100)
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(key + 1, 50))
    expect(kept.at(-1)).toBe(key)
    expect(recent.get(key)).toBe(`value ${key}`)
  }
})

test('what is set again is as new, and counts once', () => {
  const recent = new Recent<string, number>(100)
  recent.set('a', 1)
  for (let round = 0; round < 1000; round++) recent.set('b', round)
  expect([recent.get('a'), recent.get('b')]).toEqual([1, 999])
  for (let key = 0; key < 1000; key++) {
    recent.set(`${key}`, key)
    recent.set('a', key)
  }
  expect([recent.get('a'), recent.has('b')]).toEqual([999, false])
})

test('one thing that is larger than the limit is kept until something newer comes', () => {
  const recent = new Recent<string, number>(100)
  recent.set('huge', 1, 1000)
  expect(recent.get('huge')).toBe(1)
  recent.set('huge too', 2, 1000)
  expect([recent.has('huge'), recent.get('huge too')]).toEqual([false, 2])
})
