import { expect, it } from 'vitest'
import { asWritten, carriedAlong } from '../helpers/bytes.ts'
import { heard, opened, saved, settled } from '../helpers/opened-store.ts'

// Somebody writes over a save that has just landed, or a stale pool.

const FIRST = asWritten('{"$rev":"test.1<0","x":1}')

it.each([
  ['with an old value in it', '{"x":1,"y":9}'],
  ['with what was held before', '{"x":1}'],
])('a save that somebody writes over when it has just landed, %s, is made again', async (_what, text) => {
  const { backend, pt, shown } = await opened('{"x":1}')
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  write.land('overwritten')
  backend.foreign(text)
  ;(await backend.nth(2)).land()
  await save
  expect(shown()).toEqual({ ...JSON.parse(text), x: 2 })
})

it('a value of somebody else that our save landed over is not ours: they may write it again', async () => {
  const { backend, pt, shown } = await opened('{"x":1}')
  backend.auto = false
  pt.x = 2
  const save = pt.save()
  const write = await backend.nth(1)
  backend.foreign('{"x":1,"y":9}')
  write.land()
  await save
  ;(await backend.nth(2)).land()
  await settled(pt)
  backend.foreign('{"x":2,"y":8}')
  backend.foreign('{"x":2,"y":9}')
  await settled(pt)
  expect(pt.y).toBe(9)
  expect(shown()).toEqual({ x: 2, y: 9 })
})

it('older values in a pool with one stale value have not gone back on purpose either', async () => {
  const { backend, pt, shown } = await opened(asWritten('{"$rev":"test.1<0","x":1,"z":1}'))
  Object.assign(pt, { z: 2 })
  await pt.save()
  await saved(pt, 2)
  // From before both saves: a broker that was rolled back, and written to then.
  backend.foreign(asWritten('{"$rev":"test.1<0","x":1,"z":1,"y":9}'))
  await settled(pt)
  expect(shown()).toEqual({ x: 2, z: 2, y: 9 })
})

it('what somebody has begun anew where the broker had lost everything is merged with the whole pool of the store', async () => {
  const { backend, pt, shown } = await opened('{"x":1,"z":1}')
  await saved(pt, 2)
  backend.offline()
  backend.online('{"y":9,"z":5}')
  await settled(pt)
  expect(shown()).toEqual({ x: 2, y: 9, z: 5 })
})

it('a value from before the backend lost the pool is old where it was changed since', async () => {
  const { backend, pt } = await opened(FIRST)
  backend.offline()
  pt.x = 2
  const save = pt.save()
  backend.online(null)
  await save
  await settled(pt)
  backend.foreign(carriedAlong(FIRST, '{"x":1,"y":9}'))
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 2, y: 9 })
})

it.each([
  ['who had read the pool before', false],
  ['who had seen the last write that had it', true],
])(
  'a value that is removed while a lost pool is sent again is not brought back by a writer %s',
  async (_what, isLast) => {
    const { backend, pt } = await opened(FIRST)
    backend.auto = false
    pt.y = 1
    void pt.save()
    const write = await backend.nth(1)
    backend.foreign('no pool')
    delete pt.x
    backend.auto = true
    write.land('overwritten')
    await settled(pt)
    backend.foreign(carriedAlong(isLast ? write.payload : FIRST, '{"x":1,"y":1,"z":9}'))
    await settled(pt)
    expect({ ...pt }).toEqual({ y: 1, z: 9 })
  },
)

it('a value that a save had sent in vain, and that was removed after it, is not brought back by who has seen that save', async () => {
  const { backend, pt } = await opened('{"x":1}')
  backend.auto = false
  pt.y = 1
  void pt.save()
  for (const n of [1, 2]) {
    const write = await backend.nth(n)
    backend.foreign('no pool')
    if (n === 2) delete pt.x
    backend.auto = n === 2
    write.land('overwritten')
  }
  await settled(pt)
  const { payload } = await backend.nth(2)
  backend.foreign(carriedAlong(payload, '{"x":1,"y":1,"z":9}'))
  await settled(pt)
  expect({ ...pt }).toEqual({ y: 1, z: 9 })
})

it('a save that was undone is no newer change than what somebody writes after it', async () => {
  const { backend, pt } = await opened(FIRST)
  await saved(pt, 2)
  const conflicts = heard(pt, 'conflict')
  backend.auto = false
  backend.foreign(carriedAlong(FIRST, '{"x":1,"y":9}'))
  await backend.nth(2)
  backend.foreign(carriedAlong(FIRST, '{"x":7,"y":9}'))
  backend.auto = true
  backend.writes[1]?.land('superseded')
  await settled(pt)
  expect({ ...pt }).toEqual({ x: 7, y: 9 })
  expect(conflicts).toEqual([])
})

it.each([
  ['removed again', '{"y":1}', undefined],
  ['set back', '{"x":1,"y":1}', 1],
])(
  'a variable that was changed, sent and %s is a change of its own: what somebody wrote before does not win',
  async (_what, text, now) => {
    const { backend, pt } = await opened(text)
    const conflicts = heard(pt, 'conflict')
    backend.auto = false
    pt.x = 2
    void pt.save()
    const write = await backend.nth(1)
    if (now === undefined) delete pt.x
    else pt.x = now
    void pt.save()
    backend.foreign('{"x":7,"y":1}')
    backend.auto = true
    write.land('overwritten')
    await settled(pt)
    expect([pt.find('x', undefined), JSON.parse(backend.text ?? '').x]).toEqual([now, now])
    expect(conflicts).toMatchObject([{ name: 'x', remote: 7 }])
  },
)

it('what somebody wrote before does not win over a variable that was set and removed while another write was on its way', async () => {
  const { backend, pt } = await opened('{"y":1}')
  backend.auto = false
  pt.y = 2
  void pt.save()
  const first = await backend.nth(1)
  pt.x = 2
  delete pt.x
  pt.y = 3
  void pt.save()
  first.land()
  const second = await backend.nth(2)
  backend.foreign('{"x":7,"y":2}')
  backend.auto = true
  second.land('overwritten')
  await settled(pt)
  expect(JSON.parse(backend.text ?? '')).toEqual({ y: 3 })
})
