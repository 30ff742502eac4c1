import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Lineage } from '../../../src/merge/history/lineage.ts'
import { OwnTexts } from '../../../src/merge/history/own-texts.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** A write of x from one text to another that takes so many milliseconds. */
function write(texts: OwnTexts, from: string, to: string, revision: number, tookMs: number): void {
  texts.sent('x', to)
  vi.advanceTimersByTime(tookMs)
  texts.landed([['x', from, to]], revision, true)
}

it('a write that took an hour keeps old values from coming back for half a minute more, no longer', () => {
  const texts = new OwnTexts()
  write(texts, '1', '2', 1, 3_600_000)
  vi.advanceTimersByTime(34_999)
  expect(texts.ageOf('x', '1', undefined)).toBe('young')
  vi.advanceTimersByTime(2)
  expect(texts.ageOf('x', '1', undefined)).toBe('aged')
})

it('a slow write is forgotten after some quick ones', () => {
  const texts = new OwnTexts()
  write(texts, '0', '1', 1, 8000)
  for (let revision = 2; revision < 8; revision++) write(texts, `${revision - 1}`, `${revision}`, revision, 1)
  vi.advanceTimersByTime(6000)
  expect(texts.ageOf('x', '6', undefined)).toBe('aged')
})

it('an old value that is written again and again before ours is held counts once', () => {
  const texts = new OwnTexts()
  write(texts, '1', '2', 1, 1)
  for (let times = 0; times < 200; times++) texts.isBack('x', '1')
  expect(texts.ageOf('x', '1', undefined)).toBe('young')
})

it('whoever builds on what somebody wrote a thousand writes ago has seen what that one had seen', () => {
  const lineage = new Lineage()
  const { writer, revision } = lineage.next()
  const base = `${writer}.${revision}`
  for (let n = 1; n <= 1000; n++) lineage.received({ writer: 'theirs', revision: n, base })
  expect(lineage.received({ writer: 'other', revision: 1, base: 'theirs.1' })).toBe(1)
})
