import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ExactJson, parseExact } from '../../src/format/exact-json.ts'
import { type JsonObject, type JsonValue, ownValue, sameJson } from '../../src/format/json.ts'
import { mergePatch, readRequest, requested } from '../../src/merge/merge-patch.ts'
import { PersistError } from '../../src/runtime/errors.ts'
import { atOnce } from '../../src/runtime/slices.ts'
import { bytesOf } from '../helpers/bytes.ts'

// RFC 7396, appendix A: a value, a patch, and what becomes of the value.
it.each<[JsonValue, JsonValue, JsonValue]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('%j patched with %j is %j', (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result)
})

it('a name that every object has is a name like others', () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1},"constructor":{"a":null}}')) as JsonObject
  expect(Object.keys(merged)).toEqual(['__proto__', 'constructor'])
  expect(ownValue(merged, '__proto__')).toEqual({ polluted: 1 })
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  expect(mergePatch(merged, JSON.parse('{"__proto__":null}'))).toEqual({ constructor: {} })
})

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>

/** A patch that makes one value of another; only possible where the result holds no null. */
function difference(from: JsonValue | undefined, to: JsonValue): JsonValue {
  const isMap = (value: JsonValue | undefined): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMap(to) || !isMap(from)) return to
  const patch: JsonObject = Object.create(null)
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch[name] = null
  for (const [name, value] of Object.entries(to)) {
    if (!sameJson(ownValue(from, name), value)) patch[name] = difference(ownValue(from, name), value)
  }
  return patch
}

it('a patch that was made of a difference makes that difference, and the target is left alone', () => {
  const withoutNull = json.filter((value) => !JSON.stringify(value).includes('null'))
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), fc.dictionary(fc.string(), withoutNull), (from, to) => {
      const before = JSON.stringify(from)
      expect(sameJson(mergePatch(from, difference(from, to)), to)).toBe(true)
      expect(JSON.stringify(from)).toBe(before)
    }),
  )
})

it.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[1]'],
  ['null', 'null'],
  ['a number', '5'],
  ['100,000 levels', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ['infinity', '{"a":1e999}'],
  ['no UTF-8', '\u{d800}{'],
])('%s is no patch and no increment', (_what, text) => {
  const bad = expect.objectContaining({ code: 'ERR_PERSIST_BAD_PAYLOAD', bytes: bytesOf(text) })
  for (const kind of ['patch', 'increment', 'assign'] as const)
    expect(() => atOnce(readRequest(kind, bytesOf(text), 'it'))).toThrow(bad)
})

it('what is no JSON is refused with what the parser says', () => {
  const bad = expect.objectContaining({ cause: expect.any(SyntaxError) })
  expect(() => atOnce(readRequest('patch', bytesOf('{'), 'it'))).toThrow(bad)
})

it('an increment adds numbers, and nothing else to nothing else', () => {
  const values = new Map<string, JsonValue>([
    ['n', 1.5],
    ['text', '1'],
    ['null', null],
    ['large', Number.MAX_VALUE],
  ])
  const add = (text: string) => {
    const asked = atOnce(readRequest('increment', bytesOf(text), 'it'))
    const sumOf = ([name, by]: [string, ExactJson]) =>
      [name, requested('increment', name, by, values.get(name))] as const
    return Object.fromEntries([...asked].map(sumOf))
  }
  expect(add('{"n":-0.5,"new":3}')).toEqual({ n: 1, new: 3 })
  expect(add('{}')).toEqual({})
  for (const bad of ['{"n":"1"}', '{"n":null}', '{"n":[1]}']) expect(() => add(bad)).toThrow(PersistError)
  for (const [bad, reason] of [
    ['{"text":1}', 'pt.text is no number'],
    ['{"null":1}', 'pt.null is no number'],
    [`{"large":${Number.MAX_VALUE}}`, 'pt.large would become Infinity'],
  ] as const) {
    const message = expect.stringContaining(reason)
    expect(() => add(bad)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE', message }))
  }
})

it.each([
  ['1.5', '2.50', 4],
  ['1e300', '1', 1e300],
  ['1', '1e300', 1e300],
  ['9007199254740990', '1', Number.MAX_SAFE_INTEGER],
  ['9007199254740991', '1', undefined],
  ['9007199254740993', '1', undefined],
  ['1', '9007199254740993', undefined],
])('%s and %s is %s; an integer that JavaScript rounds is not added to', (before, by, sum) => {
  const add = () => requested('increment', 'n', parseExact(by), Number(before), () => before)
  if (sum !== undefined) expect(add()).toBe(sum)
  else expect(add).toThrow(/^pt.n cannot be added to exactly/)
})
