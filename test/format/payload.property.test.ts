import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/format/json.ts'
import { parseJson } from '../../src/format/parse-json.ts'
import { decodePayload, joinPayload } from '../../src/format/payload.ts'
import type { PersistError } from '../../src/runtime/errors.ts'
import { bytesOf } from '../helpers/bytes.ts'
import { evaluatedJson } from '../helpers/evaluated-json.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

const space = fc.array(fc.constantFrom(' ', '\t', '\n', '\r'), { maxLength: 3 }).map((parts) => parts.join(''))

/** A string as JSON may write it: any character may be an escape, in either case of the digits. */
const stringText = fc
  .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 1 }), fc.nat(3)), { maxLength: 6 })
  .map((parts) => `"${parts.map(([character, how]) => escaped(character, how)).join('')}"`)

function escaped(text: string, how: number): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'))
  if (how === 0) return units.map((unit) => `\\u${unit}`).join('')
  if (how === 1) return units.map((unit) => `\\u${unit.toUpperCase()}`).join('')
  if (how === 2 && text === '/') return '\\/'
  return JSON.stringify(text).slice(1, -1)
}

const numberText = fc.oneof(
  fc.constantFrom('-0', '1.0', '0.10', '1E5', '1e+05', '-1.5e-3', '12345678901234567890', '0e999', '1e-999'),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
)

const nameText = fc.oneof(
  stringText,
  fc.constantFrom('"__proto__"', '"a"', '"\\u0061"', '"{"', '"\\\\"', '"1"', '":,"'),
)

const { text: valueText } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(stringText, numberText, fc.constantFrom('null', 'true', 'false', '""', '{}', '[]', '[{}]')),
    fc.tuple(space, fc.array(tie('text'), { maxLength: 3 })).map(([gap, items]) => `[${gap}${items.join(`${gap},`)}]`),
    members(tie('text')),
  ),
}))

/** An object, with white space wherever JSON has it and with names that may be there twice. */
function members(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.tuple(space, nameText, space, space, value, space)
  return fc
    .tuple(space, fc.array(member, { maxLength: 4 }))
    .map(([gap, all]) =>
      all.length === 0
        ? `{${gap}}`
        : `{${all.map(([a, name, b, c, text, d]) => `${a}${name}${b}:${c}${text}${d}`).join(',')}}`,
    )
}

const poolText = fc.tuple(space, members(valueText), space).map((parts) => parts.join(''))

describe('a payload', () => {
  it('a payload has the values that JSON.parse reads, and the text of each as it was written', () => {
    fc.assert(
      fc.property(poolText, (text) => {
        const { values, texts } = decodePayload(bytesOf(text), 'any')
        // Not by JSON.parse, which Node 24 and 26 have wrong: see src/format/parse-json.ts.
        const expected = evaluatedJson(text) as { [name: string]: JsonValue }
        expect(values).toEqual(expected)
        expect([...texts.keys()].sort()).toEqual(Object.keys(expected).sort())
        for (const [name, part] of texts) {
          expect(text).toContain(part)
          expect(part).toBe(part.trim())
          expect(evaluatedJson(part)).toEqual(expected[name])
        }
        expect(evaluatedJson(joinPayload(texts))).toEqual(expected)
        expect(parseJson(text)).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('a payload goes back with the very text of every variable that was not touched', async () => {
    await fc.assert(
      fc.asyncProperty(poolText, async (text) => {
        const backend = new HeldBackend(text)
        const pt = await backend.openers.openStore({ name: 'any', saveOnExit: false })
        const before = decodePayload(bytesOf(text), 'any').texts
        // Reading everything is no change.
        JSON.stringify(pt)
        for (const name of Object.keys(pt)) JSON.stringify(pt.find(name))
        await pt.save()
        expect(backend.writes).toHaveLength(0)
        pt.added = { by: 'us' }
        await pt.save()
        const after = decodePayload(bytesOf(backend.text as string), 'any').texts
        expect(Object.fromEntries(after)).toEqual({ ...Object.fromEntries(before), added: '{"by":"us"}' })
        await pt.$close()
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['', /0 bytes that are not JSON/],
    ['{', /not JSON/],
    ['{"a":1} x', /not JSON/],
    ["{'a':1}", /not JSON/],
    ['[1]', /not an object with variables: \[1\]/],
    ['null', /not an object/],
    ['"x"', /not an object/],
    [`{"deep":${'['.repeat(1001)}${']'.repeat(1001)}}`, /nested more than 1000 deep/],
    ['{"a":1,"big":[1e400]}', /"big" holds a number beyond/],
    ['{"big":-1E+309}', /beyond/],
    [`{"big":1${'0'.repeat(250)}e99}`, /beyond/],
    [`{"big":${'9'.repeat(400)}}`, /beyond/],
  ])('the payload %.40s is refused with its bytes', (text, message) => {
    const bytes = bytesOf(text)
    let refused: PersistError | undefined
    try {
      decodePayload(bytes, 'any')
    } catch (error) {
      refused = error as PersistError
    }
    expect(refused).toMatchObject({ code: 'ERR_PERSIST_BAD_PAYLOAD', store: 'any' })
    expect(refused?.message).toMatch(message)
    expect(refused?.bytes).toBe(bytes)
  })

  it('a payload with numbers that only look too large is not refused', () => {
    const text = `{"text":"1e999","small":1e-400,"zero":0e999,"long":0.${'1'.repeat(400)}}`
    expect(decodePayload(bytesOf(text), 'any').values).toMatchObject({ text: '1e999', small: 0, zero: 0 })
  })
})
