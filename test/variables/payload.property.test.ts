import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeText } from '../../src/format/bytes.ts'
import type { JsonValue } from '../../src/format/json.ts'
import { decodePayload, joinPayload } from '../../src/format/payload.ts'
import { NO_RULES } from '../../src/variables/tracked.ts'
import { Variables } from '../../src/variables/variables.ts'

// From variables of which many fit in a block to some that are larger than one.
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer(),
  fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 3 }),
  fc.integer({ min: 1000, max: 5000 }).map((length) => 'ü'.repeat(length)),
)
const name = fc.oneof(
  fc.nat(40).map((number) => `v${number}`),
  fc.string({ unit: 'binary', maxLength: 2 }),
  fc.constantFrom('__proto__', '7', 'a"b\n'),
)
const pool = fc.dictionary(name, value, { maxKeys: 20, size: 'max' })
const step = fc.oneof(
  fc.record({ how: fc.constantFrom('set', 'take', 'nested'), name, value }),
  fc.record({ how: fc.constantFrom('delete', 'take nothing', 'save', 'fail'), name }),
)

it('the payload has the texts of all variables, however they were changed, and its size is known beforehand', () => {
  fc.assert(
    fc.property(pool, fc.array(step, { maxLength: 20, size: 'max' }), (first, steps) => {
      const variables = new Variables({ put() {}, remove() {} }, NO_RULES, () => {})
      const { unsaved } = variables
      const textNow = () => joinPayload(unsaved.texts())
      const sizeNow = () => encodeText(textNow()).length
      const compose = () => {
        const pending = unsaved.compose()
        expect(new TextDecoder().decode(pending.bytes)).toBe(textNow())
        return pending
      }
      variables.load(decodePayload(encodeText(JSON.stringify(first)), 'any'))
      for (const { how, name, ...rest } of steps) {
        const value = 'value' in rest ? rest.value : undefined
        const text = value === undefined ? undefined : JSON.stringify(value)
        const size = unsaved.sizeWith(new Map([[name, text]]))
        if (how === 'set') variables.set(name, value)
        else if (how === 'delete') variables.delete(name)
        else if (how === 'take' || how === 'take nothing') {
          unsaved.confirmForeign(name, text)
          variables.take(name, value, text)
        } else if (how === 'save') unsaved.confirm(compose())
        else if (how === 'fail') {
          compose()
          unsaved.abandon()
        } else {
          const list = variables.get(name)
          if (Array.isArray(list)) list.push(value as JsonValue)
        }
        if (how === 'set' || how === 'take') expect(size).toBe(sizeNow())
        expect(unsaved.sizeWith(new Map())).toBe(sizeNow())
      }
      unsaved.confirm(compose())
      expect(unsaved.isEmpty).toBe(true)
    }),
    { numRuns: 200 },
  )
})
