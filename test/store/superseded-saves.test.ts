import { expect, it } from 'vitest'
import { opened, saved, settled } from '../helpers/opened-store.ts'

// Somebody else was first, or wrote over it at once: the store merges that, and writes once more.

it('a save after dirty() that is superseded is sent again, though nothing has changed', async () => {
  const { backend, pt } = await opened('{"x":1}')
  backend.auto = false
  pt.dirty()
  const save = pt.save()
  const write = await backend.nth(1)
  backend.foreign('{"x":1,"y":9}')
  write.land('superseded')
  ;(await backend.nth(2)).land()
  await save
  expect(backend.text).toBe('{"x":1,"y":9}')
})

it('what was set and removed before a save that is superseded is a change: what somebody writes before the next does not win', async () => {
  const { backend, pt, shown } = await opened('{"y":1}')
  backend.auto = false
  pt.y = 2
  pt.x = 2
  delete (pt as { x?: number }).x
  void pt.save()
  const first = await backend.nth(1)
  backend.foreign('{"y":1,"z":9}')
  first.land('superseded')
  const second = await backend.nth(2)
  backend.foreign('{"x":7,"y":1,"z":9}')
  backend.auto = true
  second.land('overwritten')
  await settled(pt)
  expect(shown()).toEqual({ y: 2, z: 9 })
})

it('what was set and removed while something else was on its way is a change: what somebody writes over that does not win', async () => {
  const { backend, pt, shown } = await opened('{"y":1}')
  const conflicts: unknown[] = []
  pt.$on('conflict', (conflict) => conflicts.push(conflict))
  backend.auto = false
  pt.y = 2
  void pt.save()
  const write = await backend.nth(1)
  pt.x = 2
  delete (pt as { x?: number }).x
  void pt.save()
  backend.foreign('{"x":7,"y":1}')
  backend.auto = true
  write.land('overwritten')
  await settled(pt)
  expect(shown()).toEqual({ y: 2 })
  expect(conflicts).toMatchObject([{ name: 'x', remote: 7 }])
})

it("a save that was superseded and comes to be held late, after newer ones, is nobody's change", async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  backend.foreign('{"x":1,"y":9}')
  write.land('superseded')
  ;(await backend.nth(2)).land()
  await save
  backend.auto = true
  await saved(pt, 3)
  backend.foreign(write.payload)
  await settled(pt)
  expect(shown()).toEqual({ x: 3, y: 9 })
})
