import { describe, expect, it } from 'vitest'
import { opened } from '../helpers/opened-store.ts'

describe('a list or map that is put where it already is', () => {
  it('a list or map that is put where it already is stays the one that is held elsewhere', async () => {
    const { pt, backend } = await opened('{"l":[3,1],"m":{"inner":{"a":1}},"deep":[[1]]}')
    const { l, m } = pt
    const [first] = pt.deep
    pt.l = pt.l.sort()
    pt.l = pt.l ?? []
    const { inner } = m
    pt.m.inner = inner
    pt.deep[0] = first
    pt.deep.reverse()
    l.push(9)
    m.inner.a = 2
    first.push(2)
    await pt.save()
    expect(JSON.parse(backend.text as string)).toEqual({ l: [1, 3, 9], m: { inner: { a: 2 } }, deep: [[1, 2]] })
  })

  it('a list or map that is put where it already is is no change', async () => {
    const { pt, backend } = await opened('{"l":[3,1],"m":{"n":null}}')
    const before = pt.$snapshot()
    const { l } = pt
    pt.l = l
    pt.m.n = null
    expect(pt.$snapshot()).toBe(before)
    await pt.save()
    expect(backend.writes).toHaveLength(0)
  })
})

describe('a list', () => {
  it('a list moves what is in it, so that what is held goes on being a part of it', async () => {
    const { pt } = await opened('{"l":[{"n":2},{"n":1},{"n":3}]}')
    const [two, one, three] = pt.l
    pt.l.sort((a: { n: number }, b: { n: number }) => a.n - b.n)
    pt.l.reverse()
    expect([pt.l[0], pt.l[1], pt.l[2]].map((item, at) => item === [three, two, one][at])).toEqual([true, true, true])
    pt.l.shift()
    pt.l.unshift({ n: 0 })
    two.n = 20
    three.n = 30
    expect(pt.$snapshot()).toEqual({ l: [{ n: 0 }, { n: 20 }, { n: 1 }] })
  })

  it('what splice() returned can be put elsewhere', async () => {
    const { pt } = await opened('{"from":[{"n":1},{"n":2}],"to":[]}')
    const [moved] = pt.from.splice(0, 1)
    pt.to.push(moved, moved)
    moved.n = 9
    pt.to[0].n = 5
    expect(pt.$snapshot()).toEqual({ from: [{ n: 2 }], to: [{ n: 5 }, { n: 1 }] })
  })

  it.each([
    [() => [-1, 1], 'pt.l[2][0]'],
    [() => [1, 0], 'pt.l[1][0]'],
    [() => [99, 0], 'pt.l[3][0]'],
    [() => [-99, 0], 'pt.l[0][0]'],
  ] as const)('splice(%s) names the place that the value would have had', async (where, path) => {
    const { pt } = await opened('{"l":[0,1,2]}')
    expect(() => pt.l.splice(...where(), [Number.NaN])).toThrow(expect.objectContaining({ path }))
  })

  it('a list that sorts with what throws stays as it was', async () => {
    const { pt } = await opened('{"l":[3,1,2]}')
    const broken = () => {
      throw new Error('mine')
    }
    expect(() => pt.l.sort(broken)).toThrow('mine')
    expect(JSON.stringify(pt)).toBe('{"l":[3,1,2]}')
  })

  it('a list has all methods that make new lists, and those are free of the pool', async () => {
    const { pt } = await opened('{"l":[3,[1],2]}')
    for (const made of [
      pt.l.slice(),
      pt.l.concat([9]),
      pt.l.map((item: unknown) => item),
      pt.l.toSorted(),
      [...pt.l],
    ]) {
      made.push(() => 'no JSON')
      expect(Object.getPrototypeOf(made)).toBe(Array.prototype)
    }
    expect(pt.l.flat().toSpliced(0, 1)).toEqual([1, 2])
    expect([Array.isArray(pt.l), pt.l.length, pt.l.at(-1), pt.l.includes(2)]).toEqual([true, 3, 2, true])
    expect(JSON.stringify(pt)).toBe('{"l":[3,[1],2]}')
  })
})
