import type { Backend } from '../contracts/backend.ts'
import { check, checkEqual, checkRejected, inTime, settled } from './assertions.ts'
import { Bench, Recorder } from './bench.ts'
import { closingCases } from './cases-closing.ts'
import { copyCases } from './cases-copy.ts'
import { foreignCases } from './cases-foreign.ts'
import { holdingCases } from './cases-holding.ts'
import { storeCases } from './cases-store.ts'
import type { Case } from './conformance-case.ts'
import type { ConformanceOptions } from './conformance-options.ts'

/**
 * Registers the tests that every backend must pass, with any test runner: a store works on every backend that does.
 *
 * A failed test throws an `Error` that names the member and what it did.
 *
 * @example
 * backendConformance({ test, notices: 'never', place: () => {
 *   const rows = new Map()
 *   return { backend: () => myBackend(rows), writeElsewhere: async () => {}, cleanUp: async () => {} }
 * } })
 */
export function backendConformance(options: ConformanceOptions): void {
  const { test, place, notices, unreachable, largestBytes = 1_048_576, limitMs = 4000 } = options
  const cases: readonly Case[] = [
    ...holdingCases,
    ...closingCases,
    ...copyCases,
    ...foreignCases(notices),
    ...storeCases(notices),
  ]
  for (const { name, run } of cases) {
    test(name, async () => {
      const at = await place()
      const bench = new Bench(at, limitMs, largestBytes)
      const running = run(bench)
      const ended = settled(running).then(() => bench.end())
      await settled(ended)
      await at.cleanUp()
      // In this order: if both fail, the error of the case is reported.
      await running
      await ended
    })
  }
  if (unreachable !== undefined) {
    test('a place that cannot be reached: open() rejects in time and leaves nothing running', async () =>
      failsToOpen(await unreachable(), limitMs))
  }
}

async function failsToOpen(backend: Backend, limitMs: number): Promise<void> {
  const heard = new Recorder()
  const rejected = (call: Promise<unknown>, what: string) => inTime(checkRejected(call, what), limitMs * 1.125, what)
  const { message } = await rejected(backend.open(heard, limitMs), 'open() of an unreachable place')
  check(message !== '', 'open() of an unreachable place: its error has no message')
  await rejected(backend.write(new Uint8Array([123, 125]), limitMs), 'write() after open() has failed')
  await inTime(backend.close(), limitMs, 'close() after open() has failed')
  checkEqual(heard.calls.join(), '', 'calls of the listener of a backend that was never open')
}
