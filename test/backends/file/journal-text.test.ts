import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeJournal, encodeJournal } from '../../../src/backends/file/journal-text.ts'
import type { JournalContents } from '../../../src/contracts/journal.ts'
import { PersistError } from '../../../src/runtime/errors.ts'

const decode = (text: string, store = 'store') => decodeJournal(store, text, 'file')

const json = fc.option(
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  { nil: undefined },
)
const step = fc.record({
  from: fc.string(),
  before: fc.array(fc.tuple(fc.string(), json)).map((texts) => new Map(texts)),
})
const contents: fc.Arbitrary<JournalContents> = fc.record({
  entries: fc
    .array(
      fc.tuple(
        fc.oneof(fc.string(), fc.constant('__proto__')),
        fc.record({ text: json, base: json, sent: fc.array(json) }),
      ),
    )
    .map((entries) => new Map(entries)),
  clean: fc.boolean(),
  revisions: fc.option(fc.record({ held: fc.string(), steps: fc.array(step), sent: fc.array(step) }), {
    nil: undefined,
  }),
})

test('what was written is read again, whatever names and values there are', () => {
  fc.assert(
    fc.property(contents, (written) => {
      expect(decode(encodeJournal('store', written))).toEqual(written)
    }),
  )
})

test('a journal that was cut off or altered anywhere is refused', () => {
  const entries = new Map([['n', { text: '2', base: '1', sent: ['3', undefined] }]])
  const text = encodeJournal('store', { entries, clean: false })
  for (let at = 0; at < text.length; at++) {
    expect(() => decode(text.slice(0, at)), `cut off at ${at}`).toThrow(PersistError)
    const other = String.fromCharCode(text.charCodeAt(at) ^ 1)
    expect(() => decode(text.slice(0, at) + other + text.slice(at + 1)), `altered at ${at}`).toThrow(PersistError)
  }
})

test('whatever else a file may have in it is refused with a typed error', () => {
  const good = encodeJournal('store', { entries: new Map(), clean: true })
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.string().map((text) => good + text),
    fc.tuple(fc.nat(good.length), fc.string({ minLength: 1 })).map(([at, text]) => {
      return good.slice(0, at) + text + good.slice(at)
    }),
  )
  fc.assert(
    fc.property(anything, (text) => {
      fc.pre(text !== good)
      expect(() => decode(text)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_JOURNAL' }))
    }),
    { numRuns: 5000 },
  )
})

test('a value that no pool can hold is refused, though the checksum fits', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  for (const text of [deep, '1e999', '1,"x":2', '', 'undefined', '1}']) {
    const entries = new Map([['n', { text, base: undefined, sent: [] }]])
    expect(() => decode(encodeJournal('store', { entries, clean: false }))).toThrow(PersistError)
  }
})

test('what another store could not save is not taken for this one', () => {
  const entries = new Map([['n', { text: '2', base: '1', sent: [] }]])
  const theirs = encodeJournal('theirs', { entries, clean: false })
  expect(() => decode(theirs, 'ours')).toThrow(/theirs/)
  expect(decode(encodeJournal('theirs', { entries: new Map(), clean: true }), 'ours').clean).toBe(true)
})
