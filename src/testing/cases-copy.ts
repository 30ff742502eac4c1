import { checkBytes, checkEqual, checkRejected } from './assertions.ts'
import type { Bench } from './bench.ts'
import { type Case, pool } from './conformance-case.ts'

/** The copy beside the pool. */
export const copyCases: readonly Case[] = [
  { name: 'keepCopy() keeps, replaces and removes a copy, and the pool stays as it is', run: leavesThePool },
  { name: 'keepCopy(null) where there is no copy is done at once', run: removesNothing },
  { name: 'keepCopy() after close() rejects with ERR_PERSIST_CLOSED', run: refusesWhenClosed },
]

async function leavesThePool(bench: Bench): Promise<void> {
  const { backend, heard, write, close } = await bench.open()
  await write(pool('new'))
  for (const copy of [pool('old'), null, pool('older, and longer')]) {
    await bench.inTime(backend.keepCopy(copy, bench.limitMs), 'keepCopy()')
  }
  await close()
  checkBytes(await bench.held(), pool('new'), 'what is held beside a copy')
  checkEqual(heard.calls.join(), '', 'calls of the listener, nobody else writing')
}

async function removesNothing(bench: Bench): Promise<void> {
  const { backend, close } = await bench.open()
  await bench.inTime(backend.keepCopy(null, bench.limitMs), 'keepCopy(null)')
  await close()
  checkBytes(await bench.held(), null, 'what is held where nothing was written')
}

async function refusesWhenClosed(bench: Bench): Promise<void> {
  const { backend, close } = await bench.open()
  await close()
  const what = 'keepCopy() after close()'
  await bench.inTime(checkRejected(backend.keepCopy(pool('late'), bench.limitMs), what, 'ERR_PERSIST_CLOSED'), what)
}
