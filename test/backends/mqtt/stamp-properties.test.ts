import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertiesOf, stampOf } from '../../../src/backends/mqtt/stamp-properties.ts'

it('a stamp comes back as it was', () => {
  const stamps = [
    { writer: 'ab12', revision: 1 },
    { writer: '0123456789abcdef', revision: 999_999_999_999_999, base: 'fedcba9876543210.7' },
  ]
  for (const stamp of stamps) expect(stampOf(propertiesOf(stamp))).toEqual(stamp)
})

it.each([
  [undefined],
  [{}],
  [{ userProperties: {} }],
  [{ userProperties: { writer: 'a' } }],
  [{ userProperties: { writer: 'a', revision: '-1' } }],
  [{ userProperties: { writer: 'a', revision: '1e3' } }],
  [{ userProperties: { writer: 'a', revision: '1'.repeat(16) } }],
  [{ userProperties: { writer: 'a'.repeat(33), revision: '1' } }],
  [{ userProperties: { writer: 'ä', revision: '1' } }],
  [{ userProperties: { writer: ['a', 'b'], revision: '1' } }],
])('what no store has written is no stamp: %j', (properties) => {
  expect(stampOf(properties as never)).toBeUndefined()
})

it('a base that cannot be one is left out', () => {
  expect(stampOf({ userProperties: { writer: 'a', revision: '1', base: 'b'.repeat(49) } })).toEqual({
    writer: 'a',
    revision: 1,
  })
})

it('takes whatever properties anybody sends', () => {
  const text = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 }), fc.constantFrom('1', 'a', 'a.1'))
  const properties = fc.dictionary(fc.constantFrom('writer', 'revision', 'base', '__proto__', 'x'), text)
  fc.assert(
    fc.property(properties, (userProperties) => {
      const stamp = stampOf({ userProperties })
      if (stamp !== undefined) expect(Number.isSafeInteger(stamp.revision)).toBe(true)
    }),
  )
})
