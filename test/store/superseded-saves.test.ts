import { expect, it } from 'vitest'
import { opened, settled } from '../helpers/opened-pool.ts'

// Something else is found in the place of what was written: the store merges that, and writes once more.

it('a save after dirty() is sent again, though nothing has changed', async () => {
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

it('what was set and removed before it is still a change: what somebody wrote before does not win', async () => {
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
