import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nameHash, scanMembers } from '../../src/format/members.ts'
import { bytesOf, textOf } from '../helpers/bytes.ts'

it('the runs of members are the whole object, in parts of a few kilobytes, and tell which names they may have', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.nat(3000).map((length) => '"}],ü'.repeat(length / 5)),
  )
  const object = fc.dictionary(fc.string({ unit: 'binary' }), value, { maxKeys: 50, size: 'max' })
  fc.assert(
    fc.property(object, (values) => {
      const bytes = bytesOf(JSON.stringify(values))
      const { runs, count } = scanMembers(bytes) ?? { runs: [] }
      expect(count).toBe(Object.keys(values).length)
      expect(runs.map(({ from }) => from)).toEqual([1, ...runs.map(({ end }) => end)].slice(0, runs.length))
      expect(runs.at(-1)?.end ?? bytes.length).toBe(bytes.length)
      for (const { from, end, hashes } of runs) {
        const members = Object.entries(JSON.parse(`{${textOf(bytes.subarray(from, end - 1))}}`))
        // The last member alone may make it longer.
        expect(bytesOf(JSON.stringify(Object.fromEntries(members.slice(0, -1)))).length).toBeLessThan(4200)
        expect([...hashes].toSorted()).toEqual(members.map(([name]) => nameHash(name)).toSorted())
      }
    }),
  )
})
