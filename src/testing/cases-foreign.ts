import { checkBytes, checkEqual } from './assertions.ts'
import type { Bench, Opened } from './bench.ts'
import { type Case, pool } from './conformance-case.ts'
import type { ConformanceOptions } from './conformance-options.ts'

type Notices = ConformanceOptions['notices']

/** Foreign writes, as far as the backend notices them. */
export function foreignCases(notices: Notices): readonly Case[] {
  if (notices === 'never') return []
  const foreign: Case[] = [
    { name: 'open() finds what somebody else wrote', run: opensForeign },
    { name: 'open() finds a pool deleted that somebody else deleted', run: opensDeleted },
    { name: 'a foreign write is reported once, with its bytes', run: (bench) => reportsOnce(bench, notices) },
    { name: 'a foreign write to an empty place is reported once', run: (bench) => reportsFirst(bench, notices) },
    { name: 'a deletion is reported as null', run: (bench) => reportsDeletion(bench, notices) },
    { name: 'after close() nothing is reported', run: reportsNothingWhenClosed },
  ]
  if (notices === 'at once') foreign.push({ name: 'foreign writes are reported in their order', run: reportsInOrder })
  else foreign.push({ name: "a write that is 'superseded' has written nothing", run: leavesForeign })
  return foreign
}

async function opensForeign(bench: Bench): Promise<void> {
  await bench.place.writeElsewhere(pool('theirs'))
  checkBytes(await bench.held(), pool('theirs'), 'open().bytes after somebody else wrote')
}

async function opensDeleted(bench: Bench): Promise<void> {
  const { write, close } = await bench.open()
  await write(pool('ours'))
  await close()
  await bench.place.writeElsewhere(null)
  checkBytes(await bench.held(), null, 'open().bytes after somebody else deleted the pool')
}

async function reportsOnce(bench: Bench, notices: Notices): Promise<void> {
  const opened = await bench.open()
  await opened.write(pool('ours'))
  await noticed(bench, notices, opened, pool('theirs'))
  await opened.write(pool('ours', 'theirs'))
  await noticed(bench, notices, opened, pool('theirs again'))
  await opened.write(pool('the end'))
  await opened.close()
  checkEqual(opened.heard.calls.join(), 'written,written', 'calls of the listener after two foreign writes')
  checkBytes(await bench.held(), pool('the end'), 'what is held in the end')
}

async function reportsFirst(bench: Bench, notices: Notices): Promise<void> {
  const opened = await bench.open()
  await noticed(bench, notices, opened, pool('theirs'))
  await opened.write(pool('merged'))
  await opened.close()
  checkEqual(opened.heard.calls.join(), 'written', 'calls of the listener after one foreign write')
  checkBytes(await bench.held(), pool('merged'), 'what is held in the end')
}

async function reportsDeletion(bench: Bench, notices: Notices): Promise<void> {
  const opened = await bench.open()
  await opened.write(pool('ours'))
  await noticed(bench, notices, opened, null)
  await opened.write(pool('ours'))
  await opened.close()
  checkEqual(opened.heard.calls.join(), 'written', 'calls of the listener after one deletion')
  checkBytes(await bench.held(), pool('ours'), 'what is held in the end')
}

async function reportsNothingWhenClosed(bench: Bench): Promise<void> {
  const { heard, close } = await bench.open()
  await close()
  await bench.place.writeElsewhere(pool('theirs'))
  // By now another backend has found it, so this one would have reported it.
  checkBytes(await bench.held(), pool('theirs'), 'what a later backend finds')
  checkEqual(heard.calls.join(), '', 'calls of the listener of a backend that is closed')
}

async function reportsInOrder(bench: Bench): Promise<void> {
  const { heard } = await bench.open()
  const written = [1, 2, 3, 4, 5].map((value) => pool('theirs', value))
  for (const bytes of written) await bench.place.writeElsewhere(bytes)
  await heard.changedTimes(written.length, bench.limitMs)
  for (const [index, bytes] of written.entries()) {
    checkBytes(heard.changes[index] ?? null, bytes, `bytes of report ${index + 1} of foreign writes`)
  }
}

async function leavesForeign(bench: Bench): Promise<void> {
  const opened = await bench.open()
  await noticed(bench, 'at the next write', opened, pool('theirs'))
  await opened.close()
  checkBytes(await bench.held(), pool('theirs'), "what is held after a write that was 'superseded'")
}

/** Makes a foreign write, and waits until the backend has reported it. */
async function noticed(bench: Bench, notices: Notices, opened: Opened, bytes: Uint8Array | null): Promise<void> {
  const { backend, heard } = opened
  const before = heard.changes.length
  await bench.place.writeElsewhere(bytes)
  if (notices === 'at the next write') {
    const writing = backend.write(pool('in ignorance'), bench.limitMs)
    const outcome = await bench.inTime(writing, 'write() after somebody else wrote')
    checkEqual(outcome, 'superseded', 'write() after somebody else wrote')
    checkEqual(heard.changes.length - before, 1, "changes told when write() is 'superseded'")
  } else {
    await heard.changedTimes(before + 1, bench.limitMs)
  }
  const report = heard.changes[before] as Uint8Array | null
  checkBytes(report, bytes, 'bytes of the report of a foreign write')
  // The listener owns the reported bytes: the backend must not notice a change of them.
  report?.fill(0x21)
}
