import { describe, expect, test } from 'vitest'
import type { NewEvent } from './history.ts'
import { back, killed, link, MISSING, patched, quiet, raised, rawWrote, rulesOf, saved } from './made-histories.ts'

describe('a value that was said to be kept', () => {
  test('a value that was said to be kept may be there, or a later one of the same variable', () => {
    expect(rulesOf(...saved(1, { x: 'o1' }), quiet({ x: 'o1' }))).toEqual([])
    expect(rulesOf(...saved(1, { x: 'o1' }), ...saved(2, { x: 'o2' }), quiet({ x: 'o2' }))).toEqual([])
    expect(rulesOf(...saved(1, { x: 'o1' }), ...saved(2, { x: null }), quiet({}))).toEqual([])
  })

  test.each([
    ['not there', {}],
    ['the one before', { x: 'o1' }],
  ])('a value that was said to be kept is missing: %s', (_what, pool) => {
    expect(rulesOf(...saved(1, { x: 'o1' }), ...saved(2, { x: 'o2' }), quiet(pool))).toEqual([MISSING])
    expect(rulesOf(...patched(1, { x: 'o1' }), ...patched(2, { x: 'o2' }), quiet(pool))).toEqual([MISSING])
    expect(rulesOf(...patched(1, { x: 'o1' }), ...saved(2, { x: 'o2' }), quiet(pool))).toEqual([MISSING])
  })

  test('a value that was said to be kept is missing where the variable was removed before, and is where it had been removed', () => {
    expect(rulesOf(...saved(1, { x: null }), ...saved(2, { x: 'o2' }), quiet({}))).toEqual([MISSING])
    expect(rulesOf(...saved(1, { x: 'o1' }), ...saved(2, { x: null }), quiet({ x: 'o1' }))).toEqual([MISSING])
  })

  test('a value that was said to be kept may be either of two that were written at once', () => {
    const both: NewEvent[] = [
      { type: 'set', id: 1, session: 1, values: { x: 'o1' }, save: true },
      { type: 'patch', id: 2, editor: 1, values: { x: 'e1' } },
      { type: 'ok', id: 1 },
      { type: 'ok', id: 2 },
    ]
    expect(rulesOf(...both, quiet({ x: 'o1' }))).toEqual([])
    expect(rulesOf(...both, quiet({ x: 'e1' }))).toEqual([])
    expect(rulesOf(...both, quiet({}))).toEqual([MISSING])
  })

  test('a value that was set without saving counts as kept, where a later save was confirmed', () => {
    const set: NewEvent = { type: 'set', id: 1, session: 1, values: { x: 'o1' }, save: false }
    expect(rulesOf(set, ...saved(2, { y: 'o2' }), quiet({ y: 'o2' }))).toEqual([MISSING])
    expect(rulesOf(...saved(2, { y: 'o2' }), set, killed, quiet({ y: 'o2' }))).toEqual([])
  })

  test('a value that nobody confirmed does not count as kept: a killed owner, a failed save, an editor without an answer', () => {
    const set: NewEvent = { type: 'set', id: 1, session: 1, values: { x: 'o1' }, save: true }
    expect(rulesOf(set, killed, back, quiet({}, {}, 2))).toEqual([])
    expect(rulesOf(set, { type: 'failed', id: 1, code: 'ERR_PERSIST_TIMEOUT' }, quiet({}))).toEqual([])
    expect(rulesOf({ type: 'patch', id: 1, editor: 2, values: { x: 'e' } }, quiet({}))).toEqual([])
    // The next life's saves do not confirm what the one before was told.
    expect(rulesOf(set, killed, back, ...saved(2, { y: 'o2' }, 2), quiet({ y: 'o2' }, { y: 'o2' }, 2))).toEqual([])
  })

  test('a kept value may come again from the journal of an owner that was killed right after it was confirmed', () => {
    const direct: NewEvent = { type: 'ok', id: 2, way: 'direct' }
    const patch: NewEvent = { type: 'patch', id: 2, editor: 1, values: { x: 'e1' } }
    const end = quiet({ x: 'o1' }, { x: 'o1' }, 2)
    expect(rulesOf(...saved(1, { x: 'o1' }), { ...killed, hasJournal: true }, patch, direct, back, end)).toEqual([])
    expect(rulesOf(...saved(1, { x: 'o1' }), killed, patch, direct, back, end)).toEqual([MISSING])
  })

  test('a value that nobody confirmed may still come', () => {
    const patch: NewEvent = { type: 'patch', id: 1, editor: 1, values: { x: 'e1' } }
    expect(rulesOf(patch, ...saved(2, { x: 'o2' }), quiet({ x: 'e1' }))).toEqual([])
  })
})

describe('the raw client', () => {
  test('a raw client that carries old values along undoes nothing where an owner attends', () => {
    const history = [
      ...saved(1, { x: 'o1' }),
      ...saved(2, { x: 'o2' }),
      ...rawWrote(3, { x: 'o1', r: 'r1' }, { r: 'r1' }),
    ]
    expect(rulesOf(...history, quiet({ x: 'o1', r: 'r1' }))).toEqual([MISSING])
    expect(rulesOf(...history, quiet({ x: 'o2', r: 'r1' }))).toEqual([])
  })

  test('a raw client has written all of it where the owner was killed before it could mend that', () => {
    const history = [...saved(1, { x: 'o1' }), ...saved(2, { x: 'o2' }), ...rawWrote(3, { x: 'o1' }), killed, back]
    expect(rulesOf(...history, quiet({ x: 'o1' }, { x: 'o1' }, 2))).toEqual([])
    expect(rulesOf(...history, quiet({}, {}, 2))).toEqual([MISSING])
  })

  test('a raw client undoes nothing where the owner has saved after it, and was killed then', () => {
    const history = [...saved(1, { x: 'o1' }), ...saved(2, { x: 'o2' }), ...rawWrote(3, { x: 'o1' })]
    const later = [...saved(4, { y: 'o4' }), killed, back]
    expect(rulesOf(...history, ...later, quiet({ x: 'o1', y: 'o4' }, { x: 'o1', y: 'o4' }, 2))).toEqual([MISSING])
  })

  test('a raw client may undo what an editor wrote without the owner, until the owner knows of that', () => {
    const meanwhile: NewEvent[] = [
      { type: 'patch', id: 1, editor: 1, values: { x: 'e1' } },
      { type: 'raw', id: 2, values: {}, isFixed: false },
      { type: 'ok', id: 1, way: 'direct' },
      { type: 'raw-sent', id: 2, payload: {} },
      { type: 'ok', id: 2 },
    ]
    expect(rulesOf(...meanwhile, quiet({}))).toEqual([])
    expect(rulesOf(...patched(1, { x: 'e1' }), ...saved(3, { y: 'o3' }), ...rawWrote(2, {}), quiet({}))).toEqual([
      MISSING,
      MISSING,
    ])
  })

  test('what a raw client writes is not promised to be there', () => {
    expect(rulesOf(...rawWrote(1, { r: 'r1' }, { r: 'r1' }), quiet({}))).toEqual([])
  })

  test('a raw client removes what it leaves out of a pool that it made up', () => {
    const history = [...saved(1, { x: 'o1' }), ...rawWrote(2, { r: 'r1' }, { r: 'r1' }, true)]
    expect(rulesOf(...history, quiet({ r: 'r1' }))).toEqual([])
    expect(rulesOf(...history, ...saved(3, { x: 'o3' }), quiet({ r: 'r1' }))).toEqual([MISSING])
  })

  test('a raw client that deletes the pool, or writes none, removes nothing where an owner attends', () => {
    expect(rulesOf(...saved(1, { x: 'o1' }), ...rawWrote(2, null), quiet({}))).toEqual([MISSING])
    expect(rulesOf(...saved(1, { x: 'o1' }), killed, ...rawWrote(2, null), back, quiet({}, {}, 2))).toEqual([])
  })
})

describe('what must never be there', () => {
  test('a value that nobody wrote, or that was written to another variable, must never be there', () => {
    const wrong = ['wrong: a value that nobody wrote']
    expect(rulesOf(...saved(1, { x: 'o1' }), { type: 'seen', by: 'a reader', name: 'x', value: 'o1' })).toEqual([])
    expect(rulesOf(...saved(1, { x: 'o1' }), { type: 'seen', by: 'a reader', name: 'x', value: 'o2' })).toEqual(wrong)
    expect(rulesOf(...saved(1, { x: 'o1' }), { type: 'seen', by: 'a reader', name: 'y', value: 'o1' })).toEqual(wrong)
  })

  test.each(['not JSON', '[1]', '17', '"text"', ''])('a retained message that is no pool: %s', (payload) => {
    expect(rulesOf(quiet(payload, {}))).toEqual(['wrong: no pool'])
  })

  test('a difference between what is retained and what the owner has must never be there', () => {
    const wrong = ['wrong: owner and broker differ']
    expect(rulesOf(...saved(1, { x: 'o1' }), quiet({ x: 'o1' }, {}))).toEqual(wrong)
    expect(rulesOf(...rawWrote(1, { r: 'r1' }, { r: 'r1' }), quiet({}, { r: 'r1' }))).toEqual(wrong)
    expect(rulesOf(...saved(1, { x: 'o1', y: 'o1' }), quiet({ x: 'o1', y: 'o1' }, { y: 'o1', x: 'o1' }))).toEqual([])
  })
})

describe('a sum', () => {
  const inexact = (kind: string) => [`${kind}: a sum is not exact`]

  test('a sum has all that was answered, once', () => {
    expect(rulesOf(...raised(1, 3), ...raised(2, 4), quiet({ sum1: 7 }))).toEqual([])
    expect(rulesOf(...raised(1, 3), ...raised(2, 4), quiet({ sum1: 4 }))).toEqual(inexact('lost'))
    expect(rulesOf(...raised(1, 3), ...raised(2, 4), quiet({}))).toEqual(inexact('lost'))
    expect(rulesOf(...raised(1, 3), ...raised(2, 4), quiet({ sum1: 10 }))).toEqual(inexact('wrong'))
    expect(rulesOf(...raised(1, 3), quiet({ sum1: 'x' }))).toEqual(inexact('wrong'))
  })

  test('a sum may have what was not answered, or not', () => {
    const doubt: NewEvent = { type: 'increment', id: 2, editor: 1, name: 'sum1', by: 4 }
    for (const sum1 of [3, 7]) expect(rulesOf(...raised(1, 3), doubt, quiet({ sum1 }))).toEqual([])
    expect(rulesOf(...raised(1, 3), doubt, quiet({ sum1: 8 }))).toEqual(inexact('wrong'))
  })

  test('a sum may miss one of two that were raised at once without an owner, as documented, and none with one', () => {
    const at = (way: 'owner' | 'direct'): NewEvent[] => [
      { type: 'increment', id: 1, editor: 1, name: 'sum1', by: 3 },
      { type: 'increment', id: 2, editor: 2, name: 'sum1', by: 4 },
      { type: 'ok', id: 1, way },
      { type: 'ok', id: 2, way },
    ]
    expect(rulesOf(...at('direct'), quiet({ sum1: 4 }))).toEqual([])
    expect(rulesOf(...at('owner'), quiet({ sum1: 4 }))).toEqual(inexact('lost'))
    expect(rulesOf(...raised(1, 3, 'direct'), ...raised(2, 4, 'direct'), quiet({ sum1: 4 }))).toEqual(inexact('lost'))
  })

  test('a sum may miss what was raised without the owner, from a pool that was deleted before the owner was back', () => {
    const away = (...events: NewEvent[]) => [...raised(1, 5), link(true), ...events, link(false)]
    const end = quiet({ sum1: 5 })
    expect(rulesOf(...away(...raised(2, 3, 'direct'), ...rawWrote(3, null)), ...saved(4, {}), end)).toEqual([])
    expect(rulesOf(...away(...rawWrote(3, null)), ...raised(2, 3, 'direct'), ...saved(4, {}), end)).toEqual([
      'wrong: a sum is not exact',
    ])
  })

  test('a sum begins again where the raw client has set it', () => {
    const history = [...raised(1, 3), killed, ...rawWrote(2, {}), back, ...raised(3, 4)]
    expect(rulesOf(...history, quiet({ sum1: 4 }, { sum1: 4 }, 2))).toEqual([])
    expect(rulesOf(...history, quiet({ sum1: 3 }, { sum1: 3 }, 2))).toEqual(inexact('lost'))
  })
})
