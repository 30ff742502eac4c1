import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { hasWrittenNumbers, parseExact, printExact, printLike, sameExact } from '../../src/format/exact-json.ts'
import type { JsonValue } from '../../src/format/json.ts'

const BIG = '9007199254740993'

describe('a value printed like an older text', () => {
  test.each<[what: string, old: string, change: (value: never) => unknown, text: string]>([
    [
      'a member beside',
      `{"id":${BIG},"v":1.0,"k":0}`,
      (map: object) => ({ ...map, k: 5 }),
      `{"id":${BIG},"v":1.0,"k":5}`,
    ],
    ['the member itself', `{"id":${BIG},"k":1}`, (map: object) => ({ ...map, id: 5 }), '{"id":5,"k":1}'],
    [
      'a map within',
      `{"a":{"b":[1e2,{"id":${BIG}}]}}`,
      (map: object) => ({ ...map, c: 1 }),
      `{"a":{"b":[1e2,{"id":${BIG}}]},"c":1}`,
    ],
    ['the order of names', `{"id":${BIG},"k":1}`, () => ({ k: 1, id: Number(BIG) }), `{"k":1,"id":${BIG}}`],
    ['an item before', `[1,${BIG}]`, (list: number[]) => list.slice(1), `[${BIG}]`],
    ['an item behind', `[${BIG},2.50]`, (list: number[]) => [...list, 3], `[${BIG},2.50,3]`],
    ['an item between', `[1.0,2,${BIG}]`, (list: number[]) => list.toSpliced(1, 1), `[1.0,${BIG}]`],
    ['the order of items', `[{"id":${BIG}},2,3]`, (list: never[]) => list.toReversed(), `[3,2,{"id":${BIG}}]`],
    ['nothing of it', '-0', () => 0, '-0'],
    ['its kind', '1.0', () => '1.0', '"1.0"'],
  ])('changed: %s', (_what, old, change, text) => {
    expect(printLike(change(JSON.parse(old) as never) as JsonValue, old)).toBe(text)
  })

  it('has the digits of the first text that has some for it', () => {
    expect(printLike({ a: 1, b: 2 }, '{"a":1.0}', '{"a":1.00,"b":2.0}')).toBe('{"a":1.0,"b":2.0}')
  })
})

/** A number as any writer may print it. */
const written = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,25})?([eE][-+]?\d{1,2})?$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
)

test('whatever a text has comes back as it was, and no number is missed', () => {
  const name = fc.oneof(fc.string(), written, fc.constant('__proto__'))
  const { text } = fc.letrec<{ text: string; list: string; map: string }>((tie) => ({
    text: fc.oneof(
      { maxDepth: 4 },
      written,
      fc.string().map((string) => JSON.stringify(string)),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items}]`),
    map: fc
      .uniqueArray(fc.tuple(name, tie('text')), { maxLength: 4, selector: ([own]) => own })
      // Those are sorted by number in JavaScript.
      .map((all) => all.filter(([own]) => !/^\d+$/.test(own)))
      .map((members) => `{${members.map(([own, inner]) => `${JSON.stringify(own)}:${inner}`)}}`),
  }))
  const property = fc.property(text, (json) => {
    expect(printExact(parseExact(json))).toBe(json)
    expect(printLike(JSON.parse(json) as JsonValue, json)).toBe(json)
    if (JSON.stringify(JSON.parse(json)) !== json) expect(hasWrittenNumbers(json)).toBe(true)
    expect(sameExact(parseExact(json), parseExact(json))).toBe(true)
  })
  fc.assert(property, { numRuns: 2000 })
})

test.each([
  ['9007199254740993', '9007199254740992', false],
  ['9007199254740993.0', '9.007199254740993e15', true],
  ['0.10000000000000000555', '0.100000000000000005550', true],
  ['1.0', '1e0', true],
])('%s and %s are the same number: %s', (one, other, isSame) => {
  expect(sameExact(parseExact(`{"n":[${one}],"b":1}`), parseExact(`{"b":1,"n":[${other}]}`))).toBe(isSame)
})
