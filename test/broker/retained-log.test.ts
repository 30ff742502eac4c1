import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { payloadOf, readLog, topicOf } from '../../src/broker/log-record.ts'
import { RetainedLog } from '../../src/broker/retained-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { replaceDatasync } from './fixture.ts'

const MEGABYTE = 2 ** 20

async function openLog(directory: string): Promise<{ log: RetainedLog; warnings: string[] }> {
  const warnings: string[] = []
  return { log: await RetainedLog.open(directory, (text) => warnings.push(text)), warnings }
}

async function save(log: RetainedLog, topic: string, payload: string | Buffer): Promise<void> {
  await log.append(log.encode(topic, 1, Buffer.from(payload)))
}

function contents(log: RetainedLog): Record<string, string> {
  return Object.fromEntries([...log.latest].map((record) => [topicOf(record), payloadOf(record).toString()]))
}

/** The bytes of a log with these messages, in this order. */
async function bytesWith(...messages: [topic: string, payload: string | Buffer][]): Promise<Buffer> {
  const directory = temporaryDirectory()
  const { log } = await openLog(directory)
  for (const [topic, payload] of messages) await save(log, topic, payload)
  await log.close()
  return readFileSync(join(directory, 'retained.log'))
}

async function openedWith(bytes: Buffer) {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'retained.log'), bytes)
  const { log, warnings } = await openLog(directory)
  const found = contents(log)
  await save(log, 'later', '1')
  await log.close()
  const again = await openLog(directory)
  const later = contents(again.log)
  await again.log.close()
  const aside = readdirSync(directory).filter((name) => name.startsWith('retained.log.corrupt-'))
  return { directory, damaged: log.damaged, warnings, found, later, aside }
}

test('a write that was cut off anywhere in the last message takes that message alone, and the log goes on', async () => {
  const bytes = await bytesWith(['a', '1'], ['b', '2'], ['a', '3'])
  const before = readLog(bytes).end - (readLog(bytes).records.at(-1)?.length ?? 0)
  for (let length = before; length < bytes.length; length++) {
    const { found, later, aside, warnings } = await openedWith(bytes.subarray(0, length))
    expect(found).toEqual({ a: '1', b: '2' })
    expect(later).toEqual({ a: '1', b: '2', later: '1' })
    expect([aside, warnings]).toEqual([[], []])
  }
})

test('zeros at the end, as a power cut leaves them, are no damage', async () => {
  const bytes = await bytesWith(['a', '1'])
  const { found, aside } = await openedWith(Buffer.concat([bytes, Buffer.alloc(4096)]))
  expect([found, aside]).toEqual([{ a: '1' }, []])
})

test('any changed byte before the end is found out: the file is kept aside, all other messages are used', async () => {
  const bytes = await bytesWith(['a', '1'], ['b', '2'], ['c', '3'])
  const lastRecord = bytes.length - (readLog(bytes).records.at(-1)?.length ?? 0)
  for (let at = 0; at < lastRecord; at++) {
    const broken = Buffer.from(bytes)
    broken.writeUInt8(broken.readUInt8(at) ^ 0x55, at)
    const { directory, found, later, aside, damaged, warnings } = await openedWith(broken)
    // In the header there may be the mark, without which no record is found.
    if (at >= 28) expect(Object.keys(found)).toHaveLength(2)
    for (const [topic, payload] of Object.entries(found))
      expect({ a: '1', b: '2', c: '3' }).toHaveProperty(topic, payload)
    expect(later).toEqual({ ...found, later: '1' })
    expect(aside).toHaveLength(1)
    expect(damaged).toBe(join(directory, aside[0] ?? ''))
    expect(readFileSync(damaged ?? '')).toEqual(broken)
    expect(warnings).toEqual([expect.stringContaining('is damaged')])
  }
})

test('a changed last message is damage too: it has its whole length, so it may have been acknowledged', async () => {
  const bytes = await bytesWith(['a', '1'], ['b', '2'])
  bytes.writeUInt8(0x33, bytes.length - 1)
  const { found, aside } = await openedWith(bytes)
  expect([found, aside.length]).toEqual([{ a: '1' }, 1])
})

test('a file that is no log is kept aside', async () => {
  const { found, later, aside } = await openedWith(Buffer.from('{"this": "is somebody else\'s file, and no log"}'))
  expect([found, later, aside.length]).toEqual([{}, { later: '1' }, 1])
})

test('a message that contains a log is not taken for one, also when its write was cut off', async () => {
  const foreign = await bytesWith(['stat/garage/PersistMQTT', '{"stolen":true}'])
  const bytes = await bytesWith(['a', '1'], ['upload', Buffer.concat([foreign, Buffer.alloc(100, 'x')])])
  const { found, aside } = await openedWith(bytes.subarray(0, bytes.length - 50))
  expect([found, aside]).toEqual([{ a: '1' }, []])
})

test('whatever is saved and deleted, in whatever batches, is what the next start reads', async () => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c/d', 'é'), fc.string({ maxLength: 20 }), fc.boolean())
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const directory = temporaryDirectory()
    const { log } = await openLog(directory)
    const expected = new Map<string, string>()
    const pending: Promise<void>[] = []
    for (const [topic, payload, wait] of steps) {
      pending.push(save(log, topic, payload))
      if (payload === '') expected.delete(topic)
      else expected.set(topic, payload)
      if (wait) await Promise.all(pending.splice(0))
    }
    await Promise.all(pending)
    await log.close()
    const again = await openLog(directory)
    expect(contents(again.log)).toEqual(Object.fromEntries(expected))
    await again.log.close()
  })
  await fc.assert(property, { numRuns: 50 })
})

test('the file is rewritten before it is much more than twice what counts', async () => {
  const directory = temporaryDirectory()
  const { log, warnings } = await openLog(directory)
  await save(log, 'kept', 'as it was')
  const value = Buffer.alloc(100_000, 'x')
  let largest = 0
  for (let index = 0; index < 60; index++) {
    await save(log, 'a', Buffer.concat([value, Buffer.from(String(index))]))
    largest = Math.max(largest, statSync(join(directory, 'retained.log')).size)
  }
  await log.close()
  expect(largest).toBeLessThan(2 * value.length + MEGABYTE + 2 * value.length)
  expect(warnings).toEqual([])
  expect(readdirSync(directory)).toEqual(['retained.log'])
  const again = await openLog(directory)
  expect(contents(again.log)).toEqual({ kept: 'as it was', a: `${value}59` })
  await again.log.close()
})

test('a log that cannot be rewritten goes on growing, says so, and is rewritten later', async () => {
  const directory = temporaryDirectory()
  const { log, warnings } = await openLog(directory)
  const blocker = join(directory, 'retained.log.new')
  mkdirSync(blocker)
  const value = Buffer.alloc(300_000, 'x')
  for (let index = 0; index < 8; index++) await save(log, 'a', value)
  // The warning comes after the acknowledgement; a further save waits for both.
  await save(log, 'b', '1')
  expect(warnings).toEqual([expect.stringContaining('could not be made smaller')])
  rmSync(blocker, { recursive: true })
  for (let index = 0; index < 8; index++) await save(log, 'a', value)
  await save(log, 'a', 'last')
  await log.close()
  expect(statSync(join(directory, 'retained.log')).size).toBeLessThan(3 * MEGABYTE)
  const again = await openLog(directory)
  expect(contents(again.log)).toEqual({ a: 'last', b: '1' })
  await again.log.close()
})

test('what the disk refused does not come back: it was not confirmed', async () => {
  const directory = temporaryDirectory()
  const { log, warnings } = await openLog(directory)
  await save(log, 'a', '1')
  let failures = 1
  await replaceDatasync((real) => (failures-- > 0 ? Promise.reject(new Error('EIO: i/o error')) : real()))
  const refused = ['x', 'y', 'z'].map((topic) => save(log, topic, 'refused'))
  for (const result of await Promise.allSettled(refused)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PERSIST_FAILED' } })
  }
  expect(warnings).toEqual([expect.stringContaining('could not be written (EIO: i/o error)')])
  await save(log, 'b', '2')
  await log.close()
  const again = await openLog(directory)
  expect([contents(again.log), again.log.damaged]).toEqual([{ a: '1', b: '2' }, undefined])
  await again.log.close()
})

test('nothing is taken any more until a restart when what the disk refused cannot be undone', async () => {
  const directory = temporaryDirectory()
  const { log, warnings } = await openLog(directory)
  await save(log, 'a', '1')
  let broken = true
  await replaceDatasync((real) => (broken ? Promise.reject(new Error('EIO: i/o error')) : real()))
  await expect(save(log, 'b', 'refused')).rejects.toThrow('could not be written')
  broken = false
  await expect(save(log, 'c', '3')).rejects.toThrow('cannot be used any more until a restart')
  expect(warnings).toHaveLength(2)
  await log.close()
  const again = await openLog(directory)
  expect(contents(again.log)).toMatchObject({ a: '1' })
  await save(again.log, 'c', '3')
  await again.log.close()
})

test('after a close nothing is taken, and what was under way is on disk', async () => {
  const directory = temporaryDirectory()
  const { log } = await openLog(directory)
  const saved = Promise.all([save(log, 'a', '1'), save(log, 'b', '2')])
  const closed = log.close()
  await expect(save(log, 'c', '3')).rejects.toMatchObject({ code: 'ERR_PERSIST_FAILED' })
  await saved
  await closed
  await log.close()
  const again = await openLog(directory)
  expect(contents(again.log)).toEqual({ a: '1', b: '2' })
  await again.log.close()
})

test('the log and its directory are for their user alone, and a link in the place of the next log is not followed', async () => {
  const above = temporaryDirectory()
  const directory = join(above, 'data')
  const victim = join(above, 'victim')
  const log = join(directory, 'retained.log')
  writeFileSync(victim, 'precious')
  const first = await RetainedLog.open(directory, () => {})
  await first.append(first.encode('a', 1, Buffer.from('1')))
  const modes = () => [directory, log].map((path) => statSync(path).mode & 0o777)
  expect(modes()).toEqual([0o700, 0o600])
  symlinkSync(victim, `${log}.new`)
  // Enough that is outdated for a rewrite.
  for (let index = 0; index < 4; index++) await first.append(first.encode('a', 1, Buffer.alloc(600_000, `${index}`)))
  await first.close()
  expect([readFileSync(victim, 'utf8'), lstatSync(log).isSymbolicLink(), statSync(log).size]).toEqual([
    'precious',
    false,
    expect.toSatisfy((size: number) => size < 1_000_000),
  ])
  // As an earlier version has made it.
  chmodSync(log, 0o644)
  await (await RetainedLog.open(directory, () => {})).close()
  expect(modes()).toEqual([0o700, 0o600])
})
