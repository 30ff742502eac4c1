import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plain, printExact } from '../../src/format/exact-json.ts'
import { decodeObject } from '../../src/format/payload.ts'
import { readMembers } from '../../src/format/read-members.ts'
import { atOnce } from '../../src/runtime/slices.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { mutator, payloads, randomFrom } from '../helpers/mutation.ts'

const refuse = (reason: string) => new Error(reason)

/** What it reads, or why it is refused. */
function outcome(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return (error as Error).message
  }
}

function expectTheSame(bytes: Uint8Array): void {
  const whole = outcome(() => new Map(Object.entries(decodeObject(bytes, refuse, 100_000).values)))
  const read = () =>
    Array.from(atOnce(readMembers(bytes, refuse, 100_000)), ([name, value]) => [name, plain(value)] as const)
  expect(outcome(() => new Map(read()))).toEqual(whole)
}

it('what is read a few kilobytes at a time is what is read at once', () => {
  const name = fc.string({ unit: 'binary', maxLength: 3 })
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.integer({ min: 1000, max: 5000 }).map((length) => '"},{ü'.repeat(length / 5)),
  )
  const pool = fc.array(fc.tuple(name, value), { maxLength: 20, size: 'max' })
  fc.assert(
    fc.property(pool, fc.constantFrom('', ' \n', '\ufeff', '\u00a0', ','), (members, around) => {
      const texts = members.map((member) => member.map((part) => JSON.stringify(part)).join(':'))
      expectTheSame(bytesOf(`${around}{${texts.join(',')}}${around}`))
    }),
  )
})

it('what is no object is refused as when it is read at once', () => {
  const long = `"long":"${'x'.repeat(5000)}"`
  const broken = [
    '{L,}',
    '{,L}',
    '{L,,L}',
    '{L}{L}',
    '{L],"a":1}',
    '{L,"a"}',
    '["a",L]',
    '[L}',
    '{L,"a":1]',
    '{L',
    'L}',
    '{L,x}',
  ]
  for (const text of broken) expectTheSame(bytesOf(text.replaceAll('L', long)))
  const corpus = [...payloads, ...payloads.map((payload) => payload.replace('{', `{${long},`))]
  const next = mutator(corpus, randomFrom(1))
  for (let input = 0; input < 5_000; input++) expectTheSame(next())
})

it('a step reads a few kilobytes', () => {
  const members = Array.from({ length: 10_000 }, (_, index) => `"k${index}":0`)
  const steps = readMembers(bytesOf(`{${members.join(',')}}`), refuse, 1_000_000)
  let count = 0
  while (steps.next().done !== true) count++
  expect(count).toBeGreaterThan(20)
})

it('numbers keep their digits, whatever they stand beside', () => {
  const long = `"long":"${'x'.repeat(5000)}"`
  for (const text of ['{"id":9007199254740993,L}', '{L,"id":9007199254740993}', '{ L , "id" : 9007199254740993 }']) {
    const members = atOnce(readMembers(bytesOf(text.replace('L', long)), refuse, 100_000))
    expect(printExact(members.get('id'))).toBe('9007199254740993')
  }
})
