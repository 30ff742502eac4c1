import { expect, test } from 'vitest'
import type { NewEvent } from './history.ts'
import { back, killed, link, MISSING, patched, quiet, raised, rawWrote, rulesOf, saved } from './made-histories.ts'

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
  const removal = patched(2, { x: null }, 'direct')
  const end = quiet({ x: 'o1' })
  expect(rulesOf(...saves, { type: 'broker-killed', forgets: true }, ...removal, end)).toEqual([])
  expect(rulesOf(...saves, { type: 'broker-killed', forgets: false }, ...removal, end)).toEqual([MISSING])
  expect(rulesOf({ type: 'broker-killed', forgets: true }, ...saves, ...removal, end)).toEqual([MISSING])
  const edit = patched(3, { x: 'e1' }, 'direct')
  const away = [link(true), { type: 'broker-killed', forgets: true } as const]
  expect(rulesOf(...saves, ...away, ...edit, ...removal, link(false), end)).toEqual([])
  expect(rulesOf(...saves, ...away, ...removal, ...edit, link(false), end)).toEqual([MISSING])
})

test('what is written between two outages, while the owner is back for a moment, may come back after the second', () => {
  const edit = (id: number, value: string) => patched(id, { x: value }, 'direct')
  const forgotten: NewEvent = { type: 'broker-killed', forgets: true }
  const first = [...saved(1, { x: 'o1' }), link(true), forgotten, ...edit(2, 'e2'), link(true), link(false)]
  const second = [...edit(3, 'e3'), ...rawWrote(4, { r: 'r4' }, { r: 'r4' }, true), link(false)]
  expect(rulesOf(...first, forgotten, ...second, quiet({ x: 'e2', r: 'r4' }))).toEqual([])
  expect(rulesOf(...first, ...second, quiet({ x: 'e2', r: 'r4' }))).not.toEqual([])
})

test('who raises a counter that the broker has forgotten raises it from nothing', () => {
  const before = [...raised(1, 2), ...saved(2, {}), link(true)]
  const after = [...raised(3, 2, 'direct'), link(false), quiet({ sum1: 2 })]
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
  const direct = patched(4, { x: 'e4' }, 'direct')
  const outage = [link(true), ...direct, ...rawWrote(5, null), link(false)]
  expect(rulesOf(...history, ...outage, quiet({ x: 'o1', r: 'r1' }, undefined, 2))).toEqual([])
})

test('what an editor wrote without the owner, before the pool was deleted, may give way to what the owner had', () => {
  const saves = saved(1, { x: 'o1' })
  const edit = patched(2, { x: 'e1' }, 'direct')
  const end = quiet({ x: 'o1' })
  expect(rulesOf(...saves, link(true), ...edit, ...rawWrote(3, null), link(false), end)).toEqual([])
  expect(rulesOf(...saves, link(true), ...rawWrote(3, null), ...edit, link(false), end)).toEqual([MISSING])
  const rawWithout = rawWrote(5, { y: 'r1' }, { y: 'r1' })
  expect(rulesOf(...saves, link(true), ...rawWrote(3, null), ...edit, ...rawWithout, link(false), end)).toEqual([])
  expect(rulesOf(...saves, link(true), ...edit, ...rawWithout, link(false), end)).toEqual([MISSING])
  expect(rulesOf(...saves, link(true), ...edit, link(false), end)).toEqual([MISSING])
  expect(rulesOf(...saves, ...saved(4, { x: 'o2' }), link(true), ...edit, ...rawWrote(3, null), end)).toEqual([MISSING])
})

test('what the owner was about to bring back to a pool that had been overwritten wins over a pool without it', () => {
  const overwritten = rawWrote(2, { r: 'r2' }, { r: 'r2' }, true)
  const edit = patched(3, { x: 'e3' }, 'direct')
  const rawWithout = rawWrote(4, { r: 'r4' }, { r: 'r4' })
  const back = [link(false), quiet({ x: 'o1', r: 'r4' })]
  const mended = saved(5, {})
  const saves = saved(1, { x: 'o1' })
  expect(rulesOf(...saves, ...overwritten, link(true), ...edit, ...rawWithout, ...back)).toEqual([])
  expect(rulesOf(...saves, ...overwritten, link(true), ...edit, ...back)).toEqual([MISSING])
  expect(rulesOf(...saves, ...overwritten, ...mended, link(true), ...edit, ...rawWithout, ...back)).toEqual([MISSING])
  expect(rulesOf(...saves, link(true), ...edit, ...rawWithout, ...back)).toEqual([MISSING])
  expect(rulesOf(...saves, link(true), ...edit, ...overwritten, ...back)).toEqual([])
  expect(rulesOf(...saves, link(true), ...overwritten, ...edit, ...back)).toEqual([MISSING])
})

test('who had read a pool without a revision changes all that it writes', () => {
  const history = (isPlain: boolean): NewEvent[] => [
    ...rawWrote(1, { x: 'r1' }, { x: 'r1' }, true),
    ...patched(2, { x: 'e2' }),
    { type: 'raw', id: 3, values: { r: 'r3' }, isFixed: false },
    { type: 'raw-sent', id: 3, payload: { x: 'r1', r: 'r3' }, isPlain },
    { type: 'ok', id: 3 },
    ...saved(4, {}),
    quiet({ x: 'r1', r: 'r3' }),
  ]
  expect(rulesOf(...history(true))).toEqual([])
  expect(rulesOf(...history(false))).toEqual([MISSING])
})
