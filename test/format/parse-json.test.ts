import { expect, it } from 'vitest'
import { parseJson } from '../../src/format/parse-json.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

it('a name that is written with an escape is not taken for one that was read before', () => {
  for (const [before, text, name] of [
    ['{"h":[],"\\\\":0}', '{"h":1,"\\"":2}', '"'],
    ['{"h":[],"\\\\n":0}', '{"h":1,"\\n\\n":2}', '\n\n'],
    ['{"h":[],"ab\\\\":0}', '{"h":1,"ab\\u0063" :2}', 'abc'],
  ] as const) {
    JSON.parse(before)
    expect(parseJson(text)).toEqual({ h: 1, [name]: 2 })
    JSON.parse(before)
    expect(parseJson(`[{"in":${text}}]`)).toEqual([{ in: { h: 1, [name]: 2 } }])
  }
})

it('a name that is written with an escape comes through a store and back', async () => {
  JSON.parse('{"h":[],"\\\\":0}')
  const backend = new HeldBackend('{"map":{"h":1,"\\n":2}}')
  const pt = await backend.openers.openStore({ name: 'any', saveOnExit: false })
  expect(pt.map).toEqual({ h: 1, '\n': 2 })
  backend.foreign('{"map":{"h":1,"\\n":3}}')
  expect(pt.map).toEqual({ h: 1, '\n': 3 })
  await pt.$close()
})

it.each([
  ['{"a\\n":{"__proto__":{"x":[]}},"b":"\\":"}', 'an own property called __proto__'],
  ['{"\\t":1,"\\u0009":2,"2":[[],{}, null ,true],"1":-1.5e3}', 'a name that is there twice, white space, every kind'],
  ['"\\":"', 'a string'],
  ['{"text":"\\\\","other":"\\""}', 'escapes in values only'],
])('%s: %s', (text) => {
  expect(parseJson(text)).toStrictEqual(JSON.parse(text))
})

it('names that never were are no other error than with JSON.parse', () => {
  for (const text of ['', '{"\\":1}', '{"a\\n":}', '\\', '"\\', '{"\\n":1']) {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  }
})

it('deep and long texts are read in one go', () => {
  const deep = `{"\\n":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  expect(Object.keys(parseJson(deep) as object)).toEqual(['\n'])
  const long = { '\n': 'x'.repeat(5_000_000), '"': '\\"'.repeat(1_000_000) }
  expect(parseJson(JSON.stringify(long))).toEqual(long)
})
