import { describe, expect, test } from 'vitest'
import { violationsOf } from './checker.ts'
import type { HistoryEvent, NewEvent } from './history.ts'

/** A history of these events, each 10 ms after the one before, with an owner that is up. */
function historyOf(...events: NewEvent[]): HistoryEvent[] {
  const all: NewEvent[] = [{ type: 'owner-up', session: 1 }, ...events]
  return all.map((event, index) => ({ at: 10 * index, ...event }) as HistoryEvent)
}

const saved = (id: number, values: Record<string, string | null>, session = 1): NewEvent[] => [
  { type: 'set', id, session, values, save: true },
  { type: 'ok', id },
]
const patched = (id: number, values: Record<string, string | null>): NewEvent[] => [
  { type: 'patch', id, editor: 1, values },
  { type: 'ok', id, way: 'owner' },
]
const raised = (id: number, by: number, way: 'owner' | 'direct' = 'owner'): NewEvent[] => [
  { type: 'increment', id, editor: 1, name: 'sum1', by },
  { type: 'ok', id, way },
]
const rawWrote = (id: number, payload: Record<string, unknown> | null, values = {}, isFixed = false): NewEvent[] => [
  { type: 'raw', id, values, isFixed },
  { type: 'raw-sent', id, payload },
  { type: 'ok', id },
]
const killed: NewEvent = { type: 'owner-killed', session: 1, hasJournal: false }
const back: NewEvent = { type: 'owner-up', session: 2 }
const link = (isBroken: boolean): NewEvent => ({ type: 'owner-link', isBroken })
/** The quiet moment, where the owner has what is retained. */
const quiet = (pool: object | string | null, owner: object | string | null = pool, session = 1): NewEvent => {
  const textOf = (what: object | string | null) => (typeof what === 'object' && what ? JSON.stringify(what) : what)
  return { type: 'quiet', session, retained: textOf(pool), owner: textOf(owner) }
}

const rulesOf = (...events: NewEvent[]) =>
  violationsOf(historyOf(...events)).map(({ kind, rule }) => `${kind}: ${rule}`)
const MISSING = 'lost: a confirmed value is missing'

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

test('of two direct edits at once one may be lost, where the broker has no one order', () => {
  const both: NewEvent[] = [
    { type: 'patch', id: 1, editor: 1, values: { x: 'e1' } },
    { type: 'patch', id: 2, editor: 2, values: { y: 'e2' } },
    { type: 'ok', id: 1, way: 'direct' },
    { type: 'ok', id: 2, way: 'direct' },
  ]
  expect(rulesOf({ type: 'broker', hasOneOrder: true }, ...both, quiet({ y: 'e2' }))).toEqual([MISSING])
  expect(rulesOf({ type: 'broker', hasOneOrder: false }, ...both, quiet({ y: 'e2' }))).toEqual([])
  const one = patched(3, { z: 'e3' })
  expect(rulesOf({ type: 'broker', hasOneOrder: false }, ...one, quiet({}))).toEqual([MISSING])
})

test('what an editor removes without the owner, from a broker that has forgotten all, may come back with the owner', () => {
  const saves = saved(1, { x: 'o1' })
  const removal: NewEvent[] = [
    { type: 'patch', id: 2, editor: 1, values: { x: null } },
    { type: 'ok', id: 2, way: 'direct' },
  ]
  const end = quiet({ x: 'o1' })
  expect(rulesOf(...saves, { type: 'broker-killed', forgets: true }, ...removal, end)).toEqual([])
  expect(rulesOf(...saves, { type: 'broker-killed', forgets: false }, ...removal, end)).toEqual([MISSING])
  expect(rulesOf({ type: 'broker-killed', forgets: true }, ...saves, ...removal, end)).toEqual([MISSING])
  const edit: NewEvent[] = [
    { type: 'patch', id: 3, editor: 1, values: { x: 'e1' } },
    { type: 'ok', id: 3, way: 'direct' },
  ]
  const away = [link(true), { type: 'broker-killed', forgets: true } as const]
  expect(rulesOf(...saves, ...away, ...edit, ...removal, link(false), end)).toEqual([])
  expect(rulesOf(...saves, ...away, ...removal, ...edit, link(false), end)).toEqual([MISSING])
})

test('what is written between two outages, while the owner is back for a moment, may come back after the second', () => {
  const edit = (id: number, value: string): NewEvent[] => [
    { type: 'patch', id, editor: 1, values: { x: value } },
    { type: 'ok', id, way: 'direct' },
  ]
  const forgotten: NewEvent = { type: 'broker-killed', forgets: true }
  const first = [...saved(1, { x: 'o1' }), link(true), forgotten, ...edit(2, 'e2'), link(true), link(false)]
  const second = [...edit(3, 'e3'), ...rawWrote(4, { r: 'r4' }, { r: 'r4' }, true), link(false)]
  expect(rulesOf(...first, forgotten, ...second, quiet({ x: 'e2', r: 'r4' }))).toEqual([])
  expect(rulesOf(...first, ...second, quiet({ x: 'e2', r: 'r4' }))).not.toEqual([])
})

test('who raises a counter that the broker has forgotten raises it from nothing', () => {
  const raise = (id: number, way: 'owner' | 'direct'): NewEvent[] => [
    { type: 'increment', id, editor: 1, name: 'sum', by: 2 },
    { type: 'ok', id, way },
  ]
  const before = [...raise(1, 'owner'), ...saved(2, {}), link(true)]
  const after = [...raise(3, 'direct'), link(false), quiet({ sum: 2 })]
  expect(rulesOf(...before, { type: 'broker-killed', forgets: true }, ...after)).toEqual([])
  expect(rulesOf(...before, ...after)).not.toEqual([])
})

test('a deletion that the owner may not have seen counts, others do not', () => {
  const saves = saved(1, { x: 'o1' })
  expect(rulesOf(...saves, link(true), ...rawWrote(2, null), link(false), quiet({}))).toEqual([])
  expect(rulesOf(...saves, link(true), link(false), ...saved(3, {}), ...rawWrote(2, null), quiet({}))).toEqual([
    MISSING,
  ])
  expect(rulesOf(...saves, link(true), ...rawWrote(2, {}), link(false), quiet({}))).toEqual([MISSING])
})

test('what the owner had may be what a raw client had written, without having seen what was kept before', () => {
  const stale = rawWrote(3, { x: 'o1', r: 'r1' }, { r: 'r1' })
  const history = [...saved(1, { x: 'o1' }), killed, ...saved(2, { x: 'o2' }), ...stale, back]
  const direct: NewEvent[] = [
    { type: 'patch', id: 4, editor: 1, values: { x: 'e4' } },
    { type: 'ok', id: 4, way: 'direct' },
  ]
  const outage = [link(true), ...direct, ...rawWrote(5, null), link(false)]
  expect(rulesOf(...history, ...outage, quiet({ x: 'o1', r: 'r1' }, undefined, 2))).toEqual([])
})

test('what an editor wrote without the owner, before the pool was deleted, may give way to what the owner had', () => {
  const saves = saved(1, { x: 'o1' })
  const edit: NewEvent[] = [
    { type: 'patch', id: 2, editor: 1, values: { x: 'e1' } },
    { type: 'ok', id: 2, way: 'direct' },
  ]
  const end = quiet({ x: 'o1' })
  expect(rulesOf(...saves, link(true), ...edit, ...rawWrote(3, null), link(false), end)).toEqual([])
  expect(rulesOf(...saves, link(true), ...rawWrote(3, null), ...edit, link(false), end)).toEqual([MISSING])
  const rawWithout = rawWrote(5, { y: 'r1' }, { y: 'r1' })
  expect(rulesOf(...saves, link(true), ...rawWrote(3, null), ...edit, ...rawWithout, link(false), end)).toEqual([])
  expect(rulesOf(...saves, link(true), ...edit, ...rawWithout, link(false), end)).toEqual([MISSING])
  expect(rulesOf(...saves, link(true), ...edit, link(false), end)).toEqual([MISSING])
  expect(rulesOf(...saves, ...saved(4, { x: 'o2' }), link(true), ...edit, ...rawWrote(3, null), end)).toEqual([MISSING])
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
