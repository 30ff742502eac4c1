import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeText } from '../../src/format/bytes.ts'
import { printExact } from '../../src/format/exact-json.ts'
import { decodePayload } from '../../src/format/payload.ts'
import { poolChanges } from '../../src/pools/pool-changes.ts'

const changes = (one: string, other: string) =>
  poolChanges(decodePayload(encodeText(one), 'one'), decodePayload(encodeText(other), 'other'))

describe('what makes one pool another', () => {
  test.each([
    ['{"a":1.0,"b":{"x":1,"y":2}}', '{ "b": {"y":2,"x":1e0}, "a":1 }'],
    ['{"é":"\\u00e9"}', '{"\\u00e9":"é"}'],
    ['{"n":12345678901234567890}', '{"n": 12345678901234567890}'],
    // 16 digits, and yet exact.
    ['{"n":1000000000000000}', '{"n":1e15}'],
    // The same number in JavaScript, and no integer.
    ['{"n":0.1}', '{"n":0.10000000000000000555}'],
  ])('%s and %s are the same pool, written differently', (one, other) => expect(changes(one, other)).toEqual([]))

  test('variables that are there, are not, or are others make another pool', () => {
    const expected = [
      { name: 'a', before: 1, after: undefined },
      { name: 'b', before: null, after: false },
      { name: '__proto__', before: undefined, after: [] },
    ]
    expect(changes('{"a":1,"b":null,"c":{}}', '{"c":{},"__proto__":[],"b":false}')).toEqual(expected)
  })

  test.each([
    ['12345678901234567890', '12345678901234567891'],
    ['[{"id":-12345678901234567890}]', '[{"id":-12345678901234567891}]'],
    ['["12345678901234567890 \\" ",12345678901234567890]', '["12345678901234567890 \\" ",12345678901234567891]'],
  ])('%s and %s are different pools, though JavaScript rounds both to one number', (one, other) => {
    const [change] = changes(`{"id":${one}}`, `{"id":${other}}`)
    expect([change?.before, change?.after].map(printExact)).toEqual([one, other])
  })

  test('any pool is like itself, however it is written, and unlike itself with one value changed', () => {
    const pools = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5, noNullPrototype: true })
    const property = fc.property(pools, fc.string(), (pool, name) => {
      const text = JSON.stringify(pool)
      expect(changes(text, JSON.stringify(pool, null, 2))).toEqual([])
      const other = JSON.stringify(Object.fromEntries([...Object.entries(pool), [name, 'another value']]))
      expect(changes(text, other)).toMatchObject([{ name, after: 'another value' }])
    })
    fc.assert(property, { numRuns: 300 })
  })
})
