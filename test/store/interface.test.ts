import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { StoreOptions } from '../../src/store/options.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { opened } from '../helpers/opened-store.ts'

const create = (text: string | null = null, options: StoreOptions = {}) =>
  new HeldBackend(text).openers.createStore({ name: 'shown', saveOnExit: false, ...options })

describe('the variables, and nothing but the variables', () => {
  // Names that a device may have put there, and that mean something else in a program.
  const odd =
    '{"save":1,"ready":{"x":[2]},"a":3,"__proto__":{"polluted":1},"constructor":4,"":5,"toJSON":6,"$status":7}'

  it.each([odd, '{"save":1}', '{"save":1,"__proto__":2}', '{"a":{"b":[1]}}', '{}'])('are shown of %s', async (text) => {
    const { pt } = await opened(text)
    const values = JSON.parse(text)
    const names = Object.keys(values)
    expect(Object.keys(pt).sort()).toEqual(names.sort())
    expect({ ...pt }).toEqual(values)
    expect(Object.fromEntries(Object.entries(pt))).toEqual(values)
    expect(JSON.parse(JSON.stringify(pt))).toEqual(values)
    expect(structuredClone(pt.$snapshot())).toEqual(values)
    expect(inspect(pt)).toBe(inspect(values))
    for (const name of names) {
      expect(name in pt).toBe(true)
      expect(Object.hasOwn(pt, name)).toBe(true)
      expect(pt.has(name)).toBe(true)
      expect(pt.find(name)).toEqual(values[name])
    }
    for (const name of ['zero', 'exec', 'toString', 'hasOwnProperty', '$close'])
      expect(name in pt).toBe(names.includes(name))
    // Looking at everything has not put a variable in the place of a member.
    Object.keys(pt)
    expect(typeof pt.save).toBe('function')
    await pt.save()
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('a variable with the name of a member can be removed, and members stay', async () => {
    const { pt } = await opened('{"save":1,"b":2}')
    pt.remove('save')
    expect({ ...pt }).toEqual({ b: 2 })
    await pt.save()
  })

  it('variables compare with a plain object like one', async () => {
    const { pt } = await opened('{"a":{"b":[1,{"c":null}]}}')
    assert.deepStrictEqual(pt.a, { b: [1, { c: null }] })
    expect(pt.a.b).toBeInstanceOf(Array)
    expect(pt.a.b.map(String)).toEqual(['1', '[object Object]'])
  })
})

describe('has, find, remove, delete', () => {
  it('has() and find() tell what is there, null included, and fall back; remove() and delete take it away', async () => {
    const { pt } = await opened('{"n":null,"a":1}')
    expect([pt.has('a'), pt.has('n'), pt.has('x')]).toEqual([true, true, false])
    expect([pt.has('a', 9), pt.has('n', 9), pt.has('x', 9), pt.has('x', undefined)]).toEqual([1, null, 9, undefined])
    expect([pt.find('a', 9), pt.find('n', 9), pt.find('x', 9), pt.find('x')]).toEqual([1, null, 9, undefined])
    pt.remove('x')
    pt.remove('a')
    delete pt.n
    delete pt.x
    expect({ ...pt }).toEqual({})
    pt.a = 1
    pt.a = undefined
    expect('a' in pt).toBe(false)
  })
})

describe('what is not JSON', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = { inside: cycle }
  const holey = [0, 1]
  delete holey[0]
  class Point {
    x = 1
  }
  const cases: [value: unknown, path: string][] = [
    [Number.NaN, 'pt.config.limits[2]'],
    [Number.POSITIVE_INFINITY, 'pt.config.limits[2]'],
    [1n, 'pt.config.limits[2]'],
    [() => 1, 'pt.config.limits[2]'],
    [Symbol('s'), 'pt.config.limits[2]'],
    [new Date(), 'pt.config.limits[2]'],
    [new Map(), 'pt.config.limits[2]'],
    [new Point(), 'pt.config.limits[2]'],
    [undefined, 'pt.config.limits[2]'],
    [{ a: [1, undefined] }, 'pt.config.limits[2].a[1]'],
    [{ 'odd name': { b: undefined } }, 'pt.config.limits[2]["odd name"].b'],
    [holey, 'pt.config.limits[2][0]'],
    [{ [Symbol('s')]: 1 }, 'pt.config.limits[2]'],
    [cycle, 'pt.config.limits[2].self.inside'],
    [Object.assign([1], { extra: 1 }), 'pt.config.limits[2]'],
  ]

  it.each(cases)('%s throws at the assignment with its path, and changes nothing', async (value, path) => {
    const { pt } = await opened('{"config":{"limits":[1,2,3]}}')
    const before = JSON.stringify(pt)
    const { limits } = pt.config
    const refused = expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE', path })
    expect(() => (limits[2] = value)).toThrow(refused)
    expect(() => limits.splice(2, 0, value)).toThrow(refused)
    expect(() => limits.fill(value, 2)).toThrow(refused)
    expect(() => limits.push(1, value)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE' }))
    if (value !== undefined) expect(() => (pt.other = { config: value })).toThrow(/^pt\.other\.config/)
    expect(JSON.stringify(pt)).toBe(before)
    expect(pt.$status).toMatchObject({ unsaved: false })
  })

  it('holes, names on lists and accessors are refused as well', async () => {
    const { pt } = await opened('{"l":[1,2,3],"m":{}}')
    const edits = [
      () => (pt.l[4] = 1),
      () => (pt.l.length = 9),
      () => delete pt.l[0],
      () => (pt.l.name = 1),
      () => Object.defineProperty(pt.m, 'x', { get: () => 1, enumerable: true }),
      () => Object.freeze(pt.m),
      () => Object.setPrototypeOf(pt.m, null),
    ]
    for (const edit of edits) expect(edit).toThrow()
    expect(JSON.stringify(pt)).toBe('{"l":[1,2,3],"m":{}}')
  })

  it('lists and maps nest to a thousand levels, and no deeper', async () => {
    const nest = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    const { pt } = await opened()
    pt.deep = nest(1000)
    await pt.save()
    expect(pt.$snapshot()).toEqual({ deep: nest(1000) })
    expect(() => (pt.deeper = nest(1001))).toThrow(/nested more than 1000 deep/)
    expect(() => (pt.hostile = nest(100_000))).toThrow(/nested more than 1000 deep/)
    await expect(opened(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).rejects.toMatchObject({
      code: 'ERR_PERSIST_BAD_PAYLOAD',
    })
  })

  it('a value is copied, and parts of the pool are values', async () => {
    const { pt } = await opened()
    const mine = { list: [1] }
    pt.a = mine
    mine.list.push(2)
    pt.b = pt.a
    pt.b.list.push(3)
    expect({ ...pt }).toEqual({ a: { list: [1] }, b: { list: [1, 3] } })
  })
})

describe('reserved names', () => {
  it.each(['save', 'ready', 'toJSON', 'constructor', '__proto__', '', '$on', '$anything'])(
    '%j cannot be assigned',
    async (name) => {
      const { pt } = await opened('{"a":1}')
      expect(() => (pt[name] = 1)).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_RESERVED_NAME' }))
      expect(JSON.stringify(pt)).toBe('{"a":1}')
    },
  )

  it('names that people use are free for variables', async () => {
    const { pt } = await opened()
    for (const name of ['on', 'status', 'close', 'then', 'name', 'length', 'toString', 'get', 'set']) pt[name] = 1
    await pt.save()
    expect(Object.keys(pt)).toHaveLength(9)
    expect(await Promise.resolve(pt)).toBe(pt)
  })
})

describe('before the variables are here', () => {
  it('every way to the variables throws ERR_PERSIST_NOT_READY before they are here', async () => {
    const pt = create('{"a":1}')
    const ways = [
      () => pt.a,
      () => (pt.a = 2),
      () => delete pt.a,
      () => 'a' in pt,
      () => Object.keys(pt),
      () => ({ ...pt }),
      () => JSON.stringify(pt),
      () => pt.has('a'),
      () => pt.find('a'),
      () => pt.remove('a'),
      () => pt.dirty(),
      () => pt.zero(true),
      () => pt.$snapshot(),
    ]
    for (const way of ways) expect(way).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_READY' }))
    expect([pt.ready(), pt.$status.state, inspect(pt)]).toEqual([
      false,
      'connecting',
      "Store 'shown' (held): connecting",
    ])
    pt.$on('error', () => {})
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_NOT_READY' })
    await pt.exec(() => {})
    expect([pt.ready(), pt.a]).toEqual([true, 1])
  })

  it('exec() runs functions in order when the variables are here, later ones in a later tick, and each has a promise of its own', async () => {
    const pt = create('{"n":1}')
    const ran: number[] = []
    const results = [
      pt.exec((store) => ran.push(store.n)),
      pt.exec(() => {
        ran.push(2)
        throw new Error('mine')
      }),
      pt.exec(async () => 'three'),
    ]
    expect(ran).toEqual([])
    expect(await Promise.allSettled(results)).toMatchObject([
      { value: 1 },
      { reason: { message: 'mine' } },
      { value: 'three' },
    ])
    const later = pt.exec(() => ran.push(4))
    expect(ran).toEqual([1, 2])
    await later
    expect(ran).toEqual([1, 2, 4])
  })
})

describe('nothing is held', () => {
  it("empty: 'create' starts an empty pool with defaults, which is written by the first save", async () => {
    const { backend, pt } = await opened(null, { defaults: { a: 1 } })
    expect([pt.a, backend.text]).toEqual([1, null])
    await pt.save()
    expect(backend.text).toBe('{"a":1}')
  })

  it("empty: 'fail' rejects the opening where nothing is held", async () => {
    const backend = new HeldBackend()
    const opening = backend.openers.openStore({ name: 'new', empty: 'fail', saveOnExit: false })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_PERSIST_EMPTY' })
    expect(backend.isClosed).toBe(true)
  })

  it("empty: 'wait' is not ready until zero()", async () => {
    const backend = new HeldBackend()
    const pt = backend.openers.createStore({ name: 'new', empty: 'wait', saveOnExit: false })
    const ran = pt.exec(() => (pt.n = 1))
    await new Promise((resolve) => pt.$on('status', resolve))
    expect([pt.ready(), pt.$status.state]).toEqual([false, 'waiting'])
    expect(() => pt.n).toThrow(/zero\(\) starts a pool/)
    await pt.zero()
    expect(backend.text).toBe('{}')
    expect(await ran).toBe(1)
  })

  it("empty: 'wait' is ready when somebody else writes a pool; openStore waits for that as long as for anything", async () => {
    const backend = new HeldBackend()
    const opening = backend.openers.openStore({ name: 'new', empty: 'wait', saveOnExit: false })
    await Promise.resolve()
    await Promise.resolve()
    backend.foreign('[1]')
    backend.foreign('{"a":1}')
    expect((await opening).a).toBe(1)
    const never = new HeldBackend().openers.openStore({
      name: 'new',
      empty: 'wait',
      openTimeoutMs: 20,
      saveOnExit: false,
    })
    await expect(never).rejects.toMatchObject({ code: 'ERR_PERSIST_EMPTY' })
  })
})

describe('zero', () => {
  it('zero() throws on a pool in use and changes nothing; zero(true) clears it', async () => {
    const { backend, pt } = await opened('{"a":1}')
    expect(() => pt.zero()).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NEEDS_FORCE' }))
    expect([pt.a, backend.writes.length]).toEqual([1, 0])
    await pt.zero(true)
    expect([Object.keys(pt), backend.text]).toEqual([[], '{}'])
  })

  it('zero() replaces what is no pool only when forced', async () => {
    const backend = new HeldBackend('hello')
    await expect(backend.openers.openStore({ name: 'zero', saveOnExit: false })).rejects.toMatchObject({
      code: 'ERR_PERSIST_BAD_PAYLOAD',
      bytes: new TextEncoder().encode('hello'),
    })
    const pt = backend.openers.createStore({ name: 'zero', saveOnExit: false })
    await new Promise((resolve) => pt.$on('status', resolve))
    expect(pt.$status).toMatchObject({ state: 'waiting', error: { code: 'ERR_PERSIST_BAD_PAYLOAD' } })
    expect(() => pt.zero()).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NEEDS_FORCE' }))
    expect(backend.writes).toHaveLength(0)
    await pt.zero(true)
    expect(backend.text).toBe('{}')
  })
})
