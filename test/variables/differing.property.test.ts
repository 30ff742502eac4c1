import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodePayload, joinPayload } from '../../src/format/payload.ts'
import { NO_RULES } from '../../src/variables/tracked.ts'
import { Variables } from '../../src/variables/variables.ts'
import { bytesOf, REVISION } from '../helpers/bytes.ts'

// Names that look like the end of a member, and values of which one to four fill a block.
const name = fc.string({ unit: fc.constantFrom('"', ',', ':', '\\', '1', 'a', '{', '}'), maxLength: 4 })
const value = fc.oneof(
  fc.constantFrom(1, 11, '', '"', ',', [], {}),
  fc.integer({ min: 1000, max: 3000 }).map((length) => 'x'.repeat(length)),
)
/** Fills a block. */
const LARGE = 'x'.repeat(5000)
const members = fc.array(fc.tuple(name, value), { maxLength: 12, size: 'max' })

it('what another writer’s pool has otherwise is found, wherever that is', () => {
  const changes = fc.record({
    removed: fc.array(fc.nat(12), { maxLength: 2 }),
    changed: fc.array(fc.tuple(fc.nat(12), value), { maxLength: 2 }),
    added: fc.array(fc.tuple(fc.nat(12), name, value), { maxLength: 2 }),
    own: fc.array(fc.tuple(fc.nat(12), value), { maxLength: 2 }),
  })
  fc.assert(
    fc.property(members, changes, (first, { removed, changed, added, own }) => {
      const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
      const held = decodePayload(bytesOf(payloadOf(first)), 'any')
      const before = new Map(held.texts)
      variables.load(held)
      // What this program has changed, or saved since, is no other writer's change.
      for (const [at, value] of own) if (first[at] !== undefined) variables.set(first[at][0], value)
      // Encodes the blocks.
      variables.unsaved.sizeWith([])
      if (own.length > 1) {
        const pending = variables.unsaved.compose(REVISION)
        variables.unsaved.confirm(pending)
        for (const [variable, text] of pending.texts) before.set(variable.name, text as string)
      }

      const theirs = first.filter((_, at) => !removed.includes(at))
      for (const [at, value] of changed) if (theirs[at] !== undefined) theirs[at] = [theirs[at][0], value]
      for (const [at, ...member] of added) theirs.splice(at, 0, member as (typeof theirs)[number])
      const pool = decodePayload(bytesOf(payloadOf(theirs)), 'any')
      const names = [...before.keys(), ...pool.texts.keys()]
      const different = names.filter((name) => before.get(name) !== pool.texts.get(name))
      expect(variables.unsaved.differing(pool)).toEqual(new Map(different.map((name) => [name, pool.texts.get(name)])))
    }),
    { numRuns: 5000 },
  )
})

it.each([
  [
    'where it lacks the variable',
    [[',', 1]],
    [['a",', 1]],
    [
      [',', undefined],
      ['a",', '1'],
    ],
  ],
  [
    'where it has the longer one in the same place',
    [
      ['a",', LARGE],
      [',', LARGE],
    ],
    [['a",', LARGE]],
    [[',', undefined]],
  ],
] as const)('the end of a longer name is not taken for a variable %s', (_, own, theirs, different) => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  variables.load(decodePayload(bytesOf(payloadOf(own)), 'any'))
  const pool = decodePayload(bytesOf(payloadOf(theirs)), 'any')
  expect(variables.unsaved.differing(pool)).toEqual(new Map<string, string | undefined>(different))
})

it('another writer’s value is its change, even where this program has the same and has not saved it', () => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  variables.load(decodePayload(bytesOf('{"a":1,"b":2}'), 'any'))
  variables.set('a', 2)
  variables.unsaved.sizeWith([])
  const pool = decodePayload(bytesOf('{"a":2,"b":2}'), 'any')
  expect(variables.unsaved.differing(pool)).toEqual(new Map([['a', '2']]))
})

function payloadOf(members: readonly (readonly [name: string, value: unknown])[]): string {
  return joinPayload(members.map(([name, value]) => [name, JSON.stringify(value)] as const))
}
