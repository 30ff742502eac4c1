import type { Backend } from '../contracts/backend.ts'
import { sameBytes } from '../format/bytes.ts'
import { check, checkBytes, checkEqual, checkRejected, settled } from './assertions.ts'
import { type Bench, Recorder } from './bench.ts'
import { type Case, pool } from './conformance-case.ts'

/** The ends: closing at any moment, and time limits. */
export const closingCases: readonly Case[] = [
  { name: 'write() after close() rejects with ERR_PERSIST_CLOSED', run: refusesWhenClosed },
  { name: 'close() may be called twice, at once, and before open()', run: closesTwice },
  { name: 'close() during a write ends the write, and what is held is whole', run: closesWhileWriting },
  { name: 'close() during open() ends the opening', run: closesWhileOpening },
  { name: 'write() settles within a limit that is too short, and what is held is whole', run: limitsWriting },
  { name: 'open() settles within a limit that is too short', run: limitsOpening },
]

async function refusesWhenClosed(bench: Bench): Promise<void> {
  const { backend, write, close } = await bench.open()
  await write(pool('kept'))
  await close()
  await refuses(bench, backend)
  checkBytes(await bench.held(), pool('kept'), 'what is held after a write() after close()')
}

async function refuses(bench: Bench, closed: Backend): Promise<void> {
  const what = 'write() after close()'
  await bench.inTime(checkRejected(closed.write(pool('late'), bench.limitMs), what, 'ERR_PERSIST_CLOSED'), what)
}

async function closesTwice(bench: Bench): Promise<void> {
  const { backend } = await bench.open()
  await bench.inTime(Promise.all([backend.close(), backend.close()]), 'close(), twice at once')
  await bench.inTime(backend.close(), 'close() when it is closed')
  await bench.inTime(bench.backend().close(), 'close() of a backend that was never opened')
}

async function closesWhileWriting(bench: Bench): Promise<void> {
  const { backend, write, heard } = await bench.open()
  await write(pool('old'))
  const writing = settled(backend.write(pool('new'), bench.limitMs))
  await bench.inTime(backend.close(), 'close() during a write')
  const outcome = await bench.inTime(writing, 'the write that close() interrupted')
  const held = await bench.held()
  if ('value' in outcome) {
    checkEqual(outcome.value, 'written', 'write() that close() interrupted')
    checkBytes(held, pool('new'), "what is held after close() and 'written'")
  } else {
    await checkRejected(Promise.reject(outcome.reason), 'write() that close() interrupted')
    checkOneOf(held, pool('old'), pool('new'), 'what is held after close() during a write')
  }
  checkEqual(heard.calls.join(), '', 'calls of the listener of a backend that is closed')
}

async function closesWhileOpening(bench: Bench): Promise<void> {
  const backend = bench.backend()
  const heard = new Recorder()
  const opening = settled(backend.open(heard, bench.limitMs))
  await bench.inTime(backend.close(), 'close() during open()')
  const outcome = await bench.inTime(opening, 'open() that close() interrupted')
  if ('reason' in outcome) {
    await checkRejected(Promise.reject(outcome.reason), 'open() that close() interrupted')
  }
  await refuses(bench, backend)
  checkEqual(heard.calls.join(), '', 'calls of the listener of a backend that is closed')
  checkBytes(await bench.held(), null, 'what is held where nothing was written')
}

/** Too short for anything that leaves the process, in milliseconds. */
const HASTE_MS = 1

async function limitsWriting(bench: Bench): Promise<void> {
  const { backend, held, write, close } = await bench.open()
  await write(pool('old'))
  const sizeBytes = Math.min(bench.largestBytes, held.limitBytes ?? bench.largestBytes)
  const large = new Uint8Array(sizeBytes).fill(0x20)
  const writing = bench.inTime(settled(backend.write(large, HASTE_MS)), 'write() with a limit of 1 ms')
  const outcome = await writing
  if ('value' in outcome) checkEqual(outcome.value, 'written', 'write() with a limit of 1 ms')
  else await checkRejected(Promise.reject(outcome.reason), 'write() with a limit of 1 ms', 'ERR_PERSIST_TIMEOUT')
  await close()
  const found = await bench.held()
  if ('value' in outcome) checkBytes(found, large, "what is held after 'written'")
  else checkOneOf(found, pool('old'), large, 'what is held after a write that was too slow')
}

async function limitsOpening(bench: Bench): Promise<void> {
  const backend = bench.backend()
  const what = 'open() with a limit of 1 ms'
  const outcome = await bench.inTime(settled(backend.open(new Recorder(), HASTE_MS)), what)
  if ('reason' in outcome) {
    await checkRejected(Promise.reject(outcome.reason), what, 'ERR_PERSIST_TIMEOUT', 'ERR_PERSIST_CONNECT')
  }
  await bench.inTime(backend.close(), 'close() after an open() that was too slow')
  checkBytes(await bench.held(), null, 'what is held where nothing was written')
}

function checkOneOf(held: Uint8Array | null, before: Uint8Array, after: Uint8Array, what: string): void {
  const text = `${what}: expected the old bytes or the new ones, whole, got ${held?.length ?? 'no'} bytes`
  check(sameBytes(held, before) || sameBytes(held, after), text)
}
