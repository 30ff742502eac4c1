import assert from 'node:assert/strict'
import { expect, it } from 'vitest'
import type { LooseStore } from '../../src/store/members.ts'
import { carriedAlong } from '../helpers/bytes.ts'
import { HeldBackend } from '../helpers/held-backend.ts'

const POOL = { list: [[1], [2]], map: { inside: { n: 1 }, other: [1] } }

async function opened(pool: object = POOL): Promise<{ pt: LooseStore; backend: HeldBackend }> {
  const backend = new HeldBackend(JSON.stringify(pool))
  return { pt: await backend.openers.openStore({ name: 'any', saveOnExit: false }), backend }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the pool has
type Any = any

it.each<[what: string, first: (pt: Any) => Any]>([
  ['read by name', (pt) => pt.map.inside],
  ['destructured', ({ map: { inside } }) => inside],
  ['found with Object.values', (pt) => Object.values(pt.map)[0]],
  ['found with Object.entries', (pt) => (Object.entries(pt.map)[0] as Any)[1]],
  ['spread', (pt) => ({ ...pt.map }).inside],
  ['assigned to something else', (pt) => Object.assign({}, pt.map).inside],
  ['described', (pt) => Object.getOwnPropertyDescriptor(pt.map, 'inside')?.value],
  ['described with all others', (pt) => (Object.getOwnPropertyDescriptors(pt.map) as Any).inside.value],
  ['read by Reflect', (pt) => Reflect.get(pt.map, 'inside')],
  ['found by has() and find()', (pt) => pt.find('map').inside],
  ['read through an heir', (pt) => Object.create(pt.map).inside],
  ['read by index', (pt) => pt.list[1]],
  ['read from the end', (pt) => pt.list.at(-1)],
  ['iterated', (pt) => [...pt.list][1]],
  ['sliced', (pt) => pt.list.slice(1)[0]],
  ['joined with others', (pt) => [0].concat(pt.list)[2]],
  ['given to a callback', (pt) => pt.list.find((each: Any) => each[0] === 2)],
  ['mapped by a borrowed method', (pt) => Array.prototype.map.call(pt.list, (each) => each)[1]],
  ['popped and put back', (pt) => pt.list[pt.list.push(pt.list.pop()) - 1]],
  ['sorted with', (pt) => pt.list.sort((one: Any, other: Any) => one[0] - other[0])[1]],
  [
    'moved by a method of another list',
    (pt) => {
      const { reverse } = pt.map.other
      return reverse.call(pt.list)[0]
    },
  ],
  [
    'beside something set',
    (pt) => {
      pt.map.new = 1
      return pt.map.inside
    },
  ],
  [
    'beside something removed',
    (pt) => {
      delete pt.map.other
      return pt.map.inside
    },
  ],
  [
    'beside something defined',
    (pt) => {
      Object.defineProperty(pt.list, 2, { value: [3], writable: true, enumerable: true, configurable: true })
      return pt.list[1]
    },
  ],
])('what was loaded is a part of the pool when it is first %s', async (_, first) => {
  const { pt, backend } = await opened()
  const part = first(pt)
  await pt.save()
  const before = pt.$snapshot()
  part[Array.isArray(part) ? 0 : 'n'] = 987
  expect(pt.$snapshot()).not.toBe(before)
  expect(pt.$status).toMatchObject({ unsaved: true })
  await pt.save()
  expect(backend.text).toContain('987')
  await pt.$close()
})

it('what was loaded is to other code what it was in the payload', async () => {
  for (const look of [
    (pt: LooseStore) => expect(pt).toEqual(POOL),
    (pt: LooseStore) => assert.deepStrictEqual({ ...pt }, POOL),
    (pt: LooseStore) => expect(JSON.stringify(pt)).toBe(JSON.stringify(POOL)),
    (pt: LooseStore) => expect(JSON.stringify(pt.map)).toBe(JSON.stringify(POOL.map)),
    (pt: LooseStore) => expect(Object.keys(pt.map)).toEqual(['inside', 'other']),
    (pt: LooseStore) => expect(Object.keys(pt.list)).toEqual(['0', '1']),
    (pt: LooseStore) =>
      expect(['inside' in pt.map, 'no' in pt.map, 1 in pt.list, 2 in pt.list]).toEqual([true, false, true, false]),
    (pt: LooseStore) =>
      expect([Array.isArray(pt.list), Array.isArray(pt.list[0]), Array.isArray(pt.map)]).toEqual([true, true, false]),
    (pt: LooseStore) => expect([Object.hasOwn(pt.map, 'inside'), pt.list.length]).toEqual([true, 2]),
    // A proxy, as before: only copies can be sent elsewhere.
    (pt: LooseStore) => expect(() => structuredClone(pt.map)).toThrow('could not be cloned'),
    (pt: LooseStore) => expect(structuredClone(pt.$snapshot())).toEqual(POOL),
  ]) {
    const { pt, backend } = await opened()
    look(pt)
    await pt.save()
    expect(backend.writes).toHaveLength(0)
    await pt.$close()
  }
})

it('a frozen copy that was made before anything was touched shares what does not change afterwards', async () => {
  const { pt } = await opened()
  const before = pt.$snapshot() as Any
  pt.map.inside.n = 2
  const after = pt.$snapshot() as Any
  expect(before).toEqual(POOL)
  expect(after).toEqual({ ...POOL, map: { inside: { n: 2 }, other: [1] } })
  expect([after.list === before.list, after.map.other === before.map.other]).toEqual([true, true])
  delete pt.map.inside
  expect((pt.$snapshot() as Any).map.other).toBe(before.map.other)
  pt.list.pop()
  expect((pt.$snapshot() as Any).list[0]).toBe(before.list[0])
  for (const part of [before, before.list, before.list[1], after.map, after.map.inside])
    expect(part).toSatisfy(Object.isFrozen)
  await pt.$close()
})

it('a listener hears of the first change in what was loaded, with the value before', async () => {
  const { pt } = await opened()
  const heard: unknown[] = []
  pt.$on('change', (change) => heard.push(change))
  pt.list[1][0] = 3
  await Promise.resolve()
  expect(heard).toEqual([{ name: 'list', value: [[1], [3]], previous: [[1], [2]], origin: 'local' }])
  await pt.$close()
})

it.each([true, false])('what a schema was given is no part of the pool (readOnly: %s)', async (readOnly) => {
  const kept: Any[] = []
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: Any) => {
        kept.push(value)
        return { value }
      },
    },
  }
  const backend = new HeldBackend(JSON.stringify(POOL))
  const pt = (await backend.openers.openStore({
    name: 'any',
    schema,
    readOnly,
    saveOnExit: false,
  })) as unknown as LooseStore
  kept[0].map.inside.n = 6
  kept[0].list.push(7)
  expect(pt).toEqual(POOL)
  await pt.$close()
})

it('another writer’s variable may be called like any member, and stays beside those of this program', async () => {
  const odd = '{"a":1,"$status":2,"save":[3],"__proto__":{"b":4},"constructor":5,"":6,"toString":7,"7":8}'
  const { pt, backend } = await opened({ first: 1 })
  backend.foreign(odd)
  for (const [name, value] of Object.entries(JSON.parse(odd))) expect(pt.find(name)).toEqual(value)
  expect(pt.$status.state).toBe('ready')
  expect(Object.fromEntries(Object.entries(pt))).toEqual(JSON.parse(odd))
  pt.a = 2
  await pt.save()
  expect(JSON.parse(backend.text as string)).toEqual(JSON.parse(odd.replace('"a":1', '"a":2')))
  backend.foreign(carriedAlong(backend.payload, '{"a":2}'))
  expect(Object.entries(pt)).toEqual([['a', 2]])
  expect([pt.constructor, typeof pt.save]).toEqual([Object, 'function'])
  await pt.$close()
})

it('numbers that JavaScript writes otherwise stay as they are, beside what is assigned and where lists and maps move', async () => {
  const backend = new HeldBackend(
    '{"m":{"id":9007199254740993,"v":1.0},"list":[{"id":9007199254740995},{"id":1}],"n":1.0}',
  )
  const onConflict = ({ local, remote }: Any) => ({ ...remote, ...local, both: true })
  const pt = await backend.openers.openStore({ name: 'any', saveOnExit: false, onConflict })
  pt.m.name = 'a'
  pt.list.reverse()
  pt.list.push({ id: 2 })
  pt.copy = { ...pt.m, id: 0 }
  pt.n += 1
  await pt.save()
  const list = '[{"id":1},{"id":9007199254740995},{"id":2}]'
  expect(backend.text).toBe(
    `{"m":{"id":9007199254740993,"v":1.0,"name":"a"},"list":${list},"n":2,"copy":{"id":0,"v":1,"name":"a"}}`,
  )
  // Another writer and this program change one map, and the outcome has members of both.
  pt.m.name = 'b'
  backend.foreign(carriedAlong(backend.payload, '{"m":{"id":9007199254740993,"serial":12345678901234567890}}'))
  await pt.save()
  expect(backend.text).toBe(
    '{"m":{"id":9007199254740993,"serial":12345678901234567890,"v":1.0,"name":"b","both":true}}',
  )
  await pt.$close()
})
