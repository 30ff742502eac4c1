import { expect, it } from 'vitest'
import { decodePayload } from '../../src/format/payload.ts'
import { NO_RULES } from '../../src/variables/tracked.ts'
import type { PendingWrite } from '../../src/variables/unsaved.ts'
import { Variables } from '../../src/variables/variables.ts'
import { bytesOf, REVISION, textOf, withoutRevision } from '../helpers/bytes.ts'

const membersOf = ({ bytes }: PendingWrite) => withoutRevision(textOf(bytes) as string)

it('what is gone here and at the backend takes no memory any more', () => {
  const target = { show() {}, changed() {} }
  const variables = new Variables(target, { ...NO_RULES, assertWritable() {} }, () => {})
  const { unsaved } = variables
  variables.set('kept', 1)
  for (let key = 0; key < 10; key++) {
    variables.set(`key ${key}`, key)
    unsaved.confirm(unsaved.compose(REVISION))
    variables.delete(`key ${key}`)
    unsaved.confirm(unsaved.compose(REVISION))
  }
  expect(unsaved.isEmpty).toBe(true)
  expect(variables.knownNames()).toEqual(['kept'])
})

it('a change in what was removed long ago changes nothing of the others', () => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  const { unsaved } = variables
  variables.set('removed', { a: 1 })
  variables.set('kept', 1)
  const removed = variables.get('removed') as { a: number }
  variables.delete('removed')
  expect(unsaved.variables().size).toBe(1)
  removed.a = 2
  expect(unsaved.variables().size).toBe(1)
  variables.set('new', 2)
  expect(membersOf(unsaved.compose(REVISION))).toBe('{"kept":1,"new":2}')
})

it('a change in what was removed is no change of a variable that was called like it since', () => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  const { unsaved } = variables
  variables.set('again', { a: 1 })
  const removed = variables.get('again') as { a: number }
  removed.a = 2
  variables.delete('again')
  expect(unsaved.isEmpty).toBe(true)
  variables.set('again', { a: 3 })
  unsaved.confirm(unsaved.compose(REVISION))
  removed.a = 4
  expect(unsaved.isEmpty).toBe(true)
  expect(membersOf(unsaved.compose(REVISION))).toBe('{"again":{"a":3}}')
})

it.each([
  ['{"a":1,"b":2}', 'as a store writes it'],
  ['{"\\u0061":1,"b":2}', 'with an escape in a name'],
  ['\uFEFF{ "a" :1,\n"b":2 }\n', 'with white space and a byte order mark'],
  ['{"a":0,"b":2,"a":1}', 'with a name that is there twice'],
])('a variable of the payload %j, %s, is changed in its place', (text) => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  const bytes = bytesOf(text)
  variables.load(decodePayload(bytes, 'any'))
  expect(textOf(bytes)).toBe(textOf(bytesOf(text)))
  // They may be a part of something that their reader uses again.
  bytes.fill(0)
  expect(membersOf(variables.unsaved.compose(REVISION))).toBe('{"a":1,"b":2}')
  variables.set('a', 3)
  expect(membersOf(variables.unsaved.compose(REVISION))).toBe('{"a":3,"b":2}')
})

it('bytes that are no UTF-8 are not written again', () => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  const bytes = bytesOf('{"text":"?","other":1}')
  bytes[9] = 0xff
  variables.load(decodePayload(bytes, 'any'))
  expect(membersOf(variables.unsaved.compose(REVISION))).toBe('{"text":"\uFFFD","other":1}')
  expect(variables.get('text')).toBe('\uFFFD')
})

it('a variable cannot be set to what every object inherits under its name', () => {
  const variables = new Variables({ show() {}, changed() {} }, NO_RULES, () => {})
  expect(() => variables.set('toString', Object.prototype.toString)).toThrow('pt.toString cannot be stored')
})
