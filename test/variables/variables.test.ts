import { expect, it } from 'vitest'
import { NO_RULES } from '../../src/variables/tracked.ts'
import { Variables } from '../../src/variables/variables.ts'

it('what is gone here and at the backend takes no memory any more', () => {
  const shelf = { put() {}, remove() {} }
  const variables = new Variables(shelf, { ...NO_RULES, assertWritable() {} }, () => {})
  variables.set('kept', 1)
  for (let key = 0; key < 10; key++) {
    variables.set(`key ${key}`, key)
    variables.confirm(variables.compose())
    variables.delete(`key ${key}`)
    variables.confirm(variables.compose())
  }
  expect(variables.unsaved).toBe(false)
  expect(variables.knownNames()).toEqual(['kept'])
})
