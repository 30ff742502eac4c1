import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node'

/** Closes the run with one plain line, `12 passed, 0 failed`, which any script can read. */
export class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++
      // A file that does not load, or a hook that throws, has no failed test of its own.
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
    }
    // A test without a result was cut off: that is no pass. Nor is a run that could not begin.
    const failed = count.failed + count.pending || (reason === 'passed' ? 0 : 1)
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    process.stdout.write(`\n${count.passed} passed, ${failed} failed${skipped}\n`)
  }
}
