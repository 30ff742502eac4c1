import { expect, it } from 'vitest'
import type { JournalStep } from '../../src/contracts/journal.ts'
import { stepsTo } from '../../src/merge/journaled-revisions.ts'

const step = (from: string, n: number): JournalStep => ({ from, before: new Map([['n', `${n}`]]) })

it('of a pool that was held twice, what came between is known, too', () => {
  const steps = [step('a.1.aaaaa', 1), step('a.2.bbbbb', 2), step('a.1.aaaaa', 1)]
  expect(stepsTo('a.1.aaaaa', { held: 'a.3.ccccc', steps, sent: [] })).toEqual(steps.slice(0, 2))
})
