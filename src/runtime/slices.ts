import { delay } from './promises.ts'

/** Work in small steps: after each, other work may go first. */
export type Steps<Result = void> = Generator<void, Result>

/** How long other work waits, in milliseconds: a frame of a display that shows 60 a second. */
const SLICE_MS = 16

/** Does all of it now. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  while (true) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/**
 * Does work step by step, and lets the event loop go round where it takes longer than a slice of time. The result, where
 * one slice was enough, so that little work is done at once.
 */
export function inSlices<Result>(steps: Steps<Result>): Result | Promise<Result> {
  const end = performance.now() + SLICE_MS
  while (true) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (performance.now() >= end) return delay(0).then(() => inSlices(steps))
  }
}
