import { expect, test } from 'vitest'
import type { JournalEntry } from '../../src/contracts/journal.ts'
import { decodePayload } from '../../src/format/payload.ts'
import { recovered } from '../../src/merge/recovery.ts'
import type { OnConflict } from '../../src/merge/three-way.ts'
import { bytesOf } from '../helpers/bytes.ts'

type Case = [
  what: string,
  entry: Partial<JournalEntry>,
  pool: string,
  onConflict: OnConflict,
  value: unknown,
  conflict: boolean,
]

const CASES: Case[] = [
  ['nothing came between', { text: '2', base: '1' }, '{"n":1}', 'remote', 2, false],
  ['it had landed', { text: '2', base: '1' }, '{"n":2}', 'remote', 2, false],
  ['one sent before it had landed', { text: '3', base: '1', sent: ['2'] }, '{"n":2}', 'remote', 3, false],
  ['a removal sent before it had landed', { text: '3', base: '1', sent: [undefined] }, '{}', 'remote', 3, false],
  ['a new variable', { text: '[1,{"a":2}]', base: undefined }, '{}', 'remote', [1, { a: 2 }], false],
  ['a removal', { text: undefined, base: '1' }, '{"n":1}', 'remote', undefined, false],
  ['a removal that had landed', { text: undefined, base: '1' }, '{}', 'remote', undefined, false],
  [
    'the same in other words',
    { text: '{"a":1,"b":2}', base: '1' },
    '{"n":{"b":2.0,"a":1}}',
    'local',
    { b: 2, a: 1 },
    false,
  ],
  ['somebody else wrote: ours by default', { text: '2', base: '1' }, '{"n":7}', 'local', 2, true],
  ['somebody else wrote: theirs', { text: '2', base: '1' }, '{"n":7}', 'remote', 7, true],
  ['somebody else removed it: theirs', { text: '2', base: '1' }, '{}', 'remote', undefined, true],
  ['somebody else wrote what we removed', { text: undefined, base: '1' }, '{"n":7}', 'local', undefined, true],
  [
    'a function decides',
    { text: '5', base: '3' },
    '{"n":7}',
    ({ base, local, remote }) => Number(local) + Number(remote) - Number(base),
    9,
    true,
  ],
  ['a name that every object has', { text: '1', base: undefined }, '{"a":1}', 'remote', 1, false],
]

test.each(CASES)('%s', (what, entry, pool, onConflict, value, conflict) => {
  const name = what.startsWith('a name') ? 'toString' : 'n'
  const full = { text: undefined, base: undefined, sent: [], ...entry }
  const outcome = recovered(name, full, decodePayload(bytesOf(pool), 'pool'), { onConflict, storeName: 'pool' })
  expect(outcome.value).toEqual(value)
  expect(outcome.conflict !== undefined).toBe(conflict)
  expect(outcome.error).toBeUndefined()
})

test('an onConflict that throws leaves ours, and is told', () => {
  const onConflict = () => {
    throw new Error('undecided')
  }
  const pool = decodePayload(bytesOf('{"n":7}'), 'pool')
  const outcome = recovered('n', { text: '2', base: '1', sent: [] }, pool, { onConflict, storeName: 'pool' })
  expect(outcome).toMatchObject({ value: 2, error: { code: 'ERR_PERSIST_FAILED' } })
})
