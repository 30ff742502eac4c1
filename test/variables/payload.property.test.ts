import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeText } from '../../src/format/bytes.ts'
import type { JsonObject, JsonValue } from '../../src/format/json.ts'
import { decodePayload, joinPayload } from '../../src/format/payload.ts'
import { NO_RULES } from '../../src/variables/tracked.ts'
import { Variables } from '../../src/variables/variables.ts'
import { REVISION, textOf, withoutRevision } from '../helpers/bytes.ts'

// From variables of which many fit in a block to some that are larger than one.
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer(),
  fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 3 }),
  fc.integer({ min: 1000, max: 5000 }).map((length) => 'ü'.repeat(length)),
)
const name = fc.oneof(
  fc.nat(20).map((number) => `v${number}`),
  fc.string({ unit: 'binary', maxLength: 2 }),
  fc.constantFrom('__proto__', '7', 'a"b\n', '$status'),
)
const pool = fc.record({
  values: fc.dictionary(name, value, { maxKeys: 20, size: 'max' }),
  // With white space, and with a name that is there twice, a payload is written anew before it is cut into blocks.
  indent: fc.constantFrom(0, 0, 1),
  twice: fc.option(name),
})
const step = fc.oneof(
  fc.record({ how: fc.constantFrom('set', 'take', 'nested'), name, value }),
  fc.record({ how: fc.constantFrom('delete', 'take nothing', 'read', 'save', 'fail'), name }),
)

function payloadOf({ values, indent, twice }: typeof pool extends fc.Arbitrary<infer Pool> ? Pool : never): Uint8Array {
  const text = JSON.stringify(values, null, indent)
  if (twice === null) return encodeText(text)
  const again = `${JSON.stringify(twice)}:"again"}`
  return encodeText(text.replace(/\}$/, Object.keys(values).length > 0 ? `,${again}` : again))
}

it('the payload has the texts of all variables, however they were changed, and its size is known beforehand', () => {
  fc.assert(
    fc.property(pool, fc.array(step, { maxLength: 20, size: 'max' }), (first, steps) => {
      const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
      const { unsaved } = variables
      const loaded = decodePayload(payloadOf(first), 'any')
      // What the pool is to have: the text of each variable.
      const texts = new Map(loaded.texts)
      variables.load(loaded)
      const sizeNow = () => encodeText(joinPayload(texts)).length
      const compose = () => {
        const pending = unsaved.compose(REVISION)
        expect(withoutRevision(textOf(pending.bytes) as string)).toBe(joinPayload(unsaved.texts()))
        expect(new Map(decodePayload(pending.bytes, 'any').texts)).toEqual(texts)
        return pending
      }
      for (const { how, name, ...rest } of steps) {
        const value = 'value' in rest ? rest.value : undefined
        const text = value === undefined ? undefined : JSON.stringify(value)
        const size = unsaved.sizeWith([{ variable: variables.editOf(name, undefined).variable, text }])
        if (how === 'save') unsaved.confirm(compose())
        else if (how === 'fail') {
          compose()
          unsaved.abandon()
        } else if (how === 'read') {
          expect(unsaved.text(name)).toBe(texts.get(name))
          expect(variables.get(name)).toEqual(textValue(texts.get(name)))
        } else if (how === 'nested') {
          const list = variables.get(name)
          if (!Array.isArray(list)) continue
          list.push(value as JsonValue)
          texts.set(name, JSON.stringify(list))
        } else {
          if (how.startsWith('take')) unsaved.confirmForeign(name, text)
          if (how.startsWith('take')) variables.take(name, value, text)
          else if (how === 'set') variables.set(name, value)
          else variables.delete(name)
          if (text === undefined) texts.delete(name)
          else texts.set(name, text)
          expect(size).toBe(sizeNow())
        }
        expect(new Map(unsaved.texts())).toEqual(texts)
        expect(unsaved.sizeWith([])).toBe(sizeNow())
      }
      unsaved.confirm(compose())
      expect(unsaved.isEmpty).toBe(true)
      expect(variables.knownNames().toSorted()).toEqual([...texts.keys()].toSorted())
      const values: JsonObject = Object.fromEntries(
        Array.from(texts, ([name, text]) => [name, textValue(text) as JsonValue]),
      )
      expect(variables.snapshot()).toEqual(values)
    }),
    { numRuns: 300 },
  )
})

function textValue(text: string | undefined): JsonValue | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue)
}
