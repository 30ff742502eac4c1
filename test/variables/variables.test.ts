import { expect, it } from 'vitest'
import { NO_RULES } from '../../src/variables/tracked.ts'
import { Variables } from '../../src/variables/variables.ts'

it('what is gone here and at the backend takes no memory any more', () => {
  const target = { put() {}, remove() {} }
  const variables = new Variables(target, { ...NO_RULES, assertWritable() {} }, () => {})
  const { unsaved } = variables
  variables.set('kept', 1)
  for (let key = 0; key < 10; key++) {
    variables.set(`key ${key}`, key)
    unsaved.confirm(unsaved.compose())
    variables.delete(`key ${key}`)
    unsaved.confirm(unsaved.compose())
  }
  expect(unsaved.isEmpty).toBe(true)
  expect(variables.knownNames()).toEqual(['kept'])
})

it('a change in what was removed long ago changes nothing of the others', () => {
  const variables = new Variables({ put() {}, remove() {} }, NO_RULES, () => {})
  const { unsaved } = variables
  variables.set('removed', { a: 1 })
  variables.set('kept', 1)
  const removed = variables.get('removed') as { a: number }
  variables.delete('removed')
  expect(unsaved.variables().size).toBe(1)
  removed.a = 2
  expect(unsaved.variables().size).toBe(1)
  variables.set('new', 2)
  expect(new TextDecoder().decode(unsaved.compose().bytes)).toBe('{"kept":1,"new":2}')
})
