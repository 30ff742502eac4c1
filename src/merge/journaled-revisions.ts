import type { JournalRevisions, JournalStep } from '../contracts/journal.ts'
import { sizeOf } from './step-size.ts'

/**
 * How much of it a journal keeps, in characters: a counter's last 280 values. The journal is written as a whole at each save, and
 * so much takes no longer than little beside the wait for the disk.
 */
const JOURNALED_CHARACTERS = 30_000

/** The last of what was held, as much as a journal keeps; of the writes that nobody has confirmed as much again. */
export function lastRevisions({ held, steps, sent }: JournalRevisions): JournalRevisions {
  return { held, steps: lastOf(steps), sent: lastOf(sent) }
}

/** As many of the last as fit. */
function lastOf(steps: readonly JournalStep[]): readonly JournalStep[] {
  let left = JOURNALED_CHARACTERS
  let first = steps.length
  for (; first > 0; first--) {
    left -= sizeOf((steps[first - 1] as JournalStep).before)
    if (left < 0) break
  }
  return steps.slice(first)
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
