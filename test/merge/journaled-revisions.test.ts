import { expect, it } from 'vitest'
import type { JournalStep } from '../../src/contracts/journal.ts'
import { lastRevisions, stepsTo } from '../../src/merge/journaled-revisions.ts'

const step = (from: string, n: number): JournalStep => ({ from, before: new Map([['n', `${n}`]]) })

it('of a pool that was held twice, what came between is known, too', () => {
  const steps = [step('a.1.aaaaa', 1), step('a.2.bbbbb', 2), step('a.1.aaaaa', 1)]
  expect(stepsTo('a.1.aaaaa', { held: 'a.3.ccccc', steps, sent: [] })).toEqual(steps.slice(0, 2))
})

it('a journal keeps the last steps, also where a write of many kilobytes is under way', () => {
  const large = { from: 'a.9.zzzzz', before: new Map([['text', '"'.padEnd(40_000, 'x')]]) }
  const steps = Array.from({ length: 1000 }, (_, n) => step(`a.${n}.aaaaa`, n))
  const kept = lastRevisions({ held: 'a.1000.aaaaa', steps: [large, ...steps], sent: [large] })
  expect(kept.sent).toEqual([])
  expect(kept.steps.length).toBeGreaterThan(200)
  expect(kept.steps).toEqual(steps.slice(-kept.steps.length))
  const sent = [large, step('a.1001.aaaaa', 1001)]
  expect(lastRevisions({ held: 'a.1000.aaaaa', steps: [], sent }).sent).toEqual(sent.slice(1))
})
