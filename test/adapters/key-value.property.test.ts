import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expiresAt, toValue, toVariable } from '../../src/adapters/key-value/entry.ts'
import { keyOf, nameOf } from '../../src/adapters/key-value/key-name.ts'
import type { JsonValue } from '../../src/format/json.ts'
import { RESERVED_NAMES } from '../../src/index.ts'
import { type MemoryPlace, memoryBackend, memoryPlace, openStore } from '../../src/memory.ts'

/** Texts that are JSON, that nearly are, and that look like what the adapters write around a value. */
const look = fc.dictionary(
  fc.constantFrom('$value', '$raw', '$expires', 'value', 'expires', '__proto__'),
  fc.jsonValue(),
)
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.json().map((json) => ` ${json}`),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  look.map((map) => JSON.stringify(map)),
  fc.constantFrom('', '-0', '1e400', '1.0', '9223372036854775807', '"\\ud800"', '\ud800', 'null', '{"a":1,"a":2}'),
  fc.constantFrom('{"2":1,"1":2}', '{"__proto__":{"x":1}}', '[undefined]', '\ufeff{}', '{"$value":{"$value":1}}'),
)
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...RESERVED_NAMES, '$version', '~', '~~', '~save', '~$', 'toString', 'then', 'a:b'),
)
const expires = fc.option(fc.nat(), { nil: undefined })

async function reopened(place: MemoryPlace) {
  return openStore({ name: 'any', backend: memoryBackend(place) })
}

test('any text comes back for any key, by way of the pool', async () => {
  const entries = fc.uniqueArray(fc.tuple(key, text, expires), { selector: ([name]) => name, maxLength: 8 })
  const comesBack = async (given: [string, string, number | undefined][]) => {
    const place = memoryPlace()
    const first = await reopened(place)
    for (const [name, value, at] of given) first[nameOf(name)] = toVariable(value, at)
    await first.$close()
    const second = await reopened(place)
    const variables = Object.keys(second).map((name) => second.find(name) as JsonValue)
    const keys = Object.keys(second).map(keyOf)
    await second.$close()
    const found = new Map(keys.map((name, index) => [name, variables[index] as JsonValue]))
    expect(new Set(keys)).toEqual(new Set(given.map(([name]) => name)))
    for (const [name, value, at] of given) {
      const variable = found.get(name) as JsonValue
      expect(toValue(variable)).toBe(value)
      expect(expiresAt(variable)).toBe(at)
    }
  }
  await fc.assert(fc.asyncProperty(entries, comesBack), { numRuns: 300 })
})

test('JSON that was no text comes back as what it was', () => {
  const comesBack = (value: unknown, at: number | undefined) => {
    const variable = JSON.parse(JSON.stringify(toVariable(value, at)))
    expect(toValue(variable)).toEqual(JSON.parse(JSON.stringify(value)))
    expect(expiresAt(variable)).toBe(at)
  }
  const value = fc.oneof(look, fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), fc.boolean())
  fc.assert(fc.property(value, expires, comesBack))
})

test('what the version of a pool is called, and what others call with a ~, is no key', () => {
  expect(['$version', '~a', 'save', '', '~~', '~$version', 'a'].map(keyOf)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    '~',
    '$version',
    'a',
  ])
})
