import { expect, test } from 'vitest'
import { withoutRevision, withRevision } from '../../src/format/payload.ts'
import { asWritten, bytesOf, REVISION, textOf } from '../helpers/bytes.ts'

const without = (text: string) => textOf(withoutRevision(bytesOf(text)))
const written = (text: string) => textOf(withRevision(bytesOf(text), REVISION))

test.each([
  ['{"a": 1.0, "b":[ ]}', '{"$rev":"test.1<0","a": 1.0, "b":[ ]}'],
  ['{ "a":1 }', '{"$rev":"test.1<0", "a":1 }'],
  ['{}', '{"$rev":"test.1<0"}'],
  ['{"prevent":"rev"}', '{"$rev":"test.1<0","prevent":"rev"}'],
])('%s gets a revision, and loses it again, byte for byte', (plain, revised) => {
  expect([written(plain), without(asWritten(revised)), without(plain)]).toEqual([asWritten(revised), plain, plain])
})

test.each(['{"a":1,"$rev":"w.1.aaaaa<0"}', '{"\\u0024rev":5, "a": 1}', '{"$rev":"w.1.aaaaa<0<0","a":1}'])(
  'the revision in %s is taken out, or replaced',
  (text) => {
    expect([without(text), written(text)]).toEqual(['{"a":1}', asWritten('{"$rev":"test.1<0","a":1}')])
  },
)

test.each(['no pool', '', '[1]', '{"$rev":1'])('%s is no pool, and stays as it is', (text) => {
  expect([without(text), written(text)]).toEqual([text, text])
})
