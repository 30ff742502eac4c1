import { expect, test } from 'vitest'
import { KILLS, LINK_FAULTS, scheduleOf } from './schedule.ts'

const rounds = (seed: number) => Array.from({ length: 50 }, (_, round) => scheduleOf(round, { seed }))

test('a seed gives the same schedule each time, and another one another', () => {
  expect(rounds(7)).toEqual(rounds(7))
  expect(rounds(7)).not.toEqual(rounds(8))
})

test('every value is written once, and every kind of fault and operation comes up', () => {
  const actions = rounds(7)
    .flat()
    .map(({ action }) => action)
  const values = actions.flatMap((action) =>
    'values' in action ? [...new Set(Object.values(action.values))].filter((value) => value !== null) : [],
  )
  expect(new Set(values).size).toBe(values.length)
  const operations = ['set', 'patch', 'increment', 'raw-merge', 'raw-fixed', 'raw-delete', 'raw-garbage']
  const kinds = [...LINK_FAULTS, ...KILLS.filter((kind) => kind !== 'kill-both'), ...operations]
  expect(new Set(actions.map(({ kind }) => kind))).toEqual(new Set(kinds))
})
