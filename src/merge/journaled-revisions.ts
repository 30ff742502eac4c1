import type { JournalRevisions, JournalStep } from '../contracts/journal.ts'
import { sizeOf } from './step-size.ts'

/**
 * How much of it a journal keeps, in characters: a counter's last 280 values. The journal is written as a whole at each save, and
 * so much takes no longer than little beside the wait for the disk.
 */
const JOURNALED_CHARACTERS = 30_000

/** The last of what was held, as much as a journal keeps. */
export function lastRevisions({ held, steps, sent }: JournalRevisions): JournalRevisions {
  let left = JOURNALED_CHARACTERS
  const isLeft = ({ before }: JournalStep) => {
    left -= sizeOf(before)
    return left >= 0
  }
  const lastSent = sent.filter(isLeft)
  let first = steps.length
  while (first > 0 && isLeft(steps[first - 1] as JournalStep)) first -= 1
  return { held, steps: steps.slice(first), sent: lastSent }
}

/**
 * What was held before a pool that is held now. Nothing where the journal does not know that: others wrote meanwhile, and what
 * they changed is not known.
 */
export function stepsTo(name: string, { held, steps, sent }: JournalRevisions): readonly JournalStep[] {
  if (name === held) return steps
  const landed = sent.find(({ from }) => from === name)
  if (landed !== undefined) return [...steps, { from: held, before: landed.before }]
  // The broker has lost what came after it.
  const index = steps.findLastIndex(({ from }) => from === name)
  return steps.slice(0, Math.max(0, index))
}
