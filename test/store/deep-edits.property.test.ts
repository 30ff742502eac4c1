import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import type { JsonObject, JsonValue } from '../../src/format/json.ts'
import { openersFor } from '../../src/open/open-store.ts'
import { isReservedName } from '../../src/store/members.ts'
import { withoutRevision } from '../helpers/bytes.ts'

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '0', 'x y', 'ü', '__proto__', 'constructor', 'toString', 'length', ''),
  fc.string({ maxLength: 3 }),
)
const variable = name.filter((text) => !isReservedName(text) && !text.startsWith('$'))
const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ maxLength: 5 }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value

type Edit = (pool: JsonObject) => void

/** An edit somewhere in a pool: `where` chooses the way down, by numbers that are taken modulo what is there. */
const edit: fc.Arbitrary<Edit> = fc
  .record({
    where: fc.array(fc.nat(50), { maxLength: 5 }),
    what: fc.nat(13),
    key: name,
    variable,
    value,
    at: fc.nat(6),
    n: fc.nat(3),
  })
  .map(({ where, what, key, variable, value, at, n }) => (pool) => {
    let here: JsonValue = pool
    for (const step of where) {
      const inside: JsonValue[] = Object.values(here).filter((child) => typeof child === 'object' && child !== null)
      if (inside.length === 0) break
      here = inside[step % inside.length] as JsonValue[] | JsonObject
    }
    const copy = () => structuredClone(value)
    if (Array.isArray(here)) {
      const list: JsonValue[] = here
      const index = list.length === 0 ? 0 : at % list.length
      const edits = [
        () => list.push(copy(), n),
        () => list.pop(),
        () => list.shift(),
        () => list.unshift(copy()),
        () => list.splice(index, n, copy()),
        () => list.splice(index),
        () => list.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
        () => list.reverse(),
        () => list.fill(copy(), index),
        () => list.copyWithin(0, index),
        () => (list.length = index),
        () => (list[index] = copy()),
        () => ([list[0], list[index]] = [list[index] ?? null, list[0] ?? null]),
        () => list.push(list[index] ?? null),
      ]
      edits[what]?.()
    } else {
      const map = here as JsonObject
      const own = here === pool ? variable : key
      const names = Object.keys(map)
      const some = names[at % Math.max(names.length, 1)]
      if (what < 7) put(map, own, copy())
      else if (what < 10 && some !== undefined) delete map[some]
      else if (what < 12 && some !== undefined) put(map, own, map[some] as JsonValue)
      else Object.assign(map, { [own === '__proto__' ? 'p' : own]: copy() })
    }
  })

function put(map: JsonObject, name: string, value: JsonValue): void {
  // An assignment to __proto__ would mean the prototype, on the plain object.
  if (name === '__proto__')
    Object.defineProperty(map, name, { value, writable: true, enumerable: true, configurable: true })
  else map[name] = value
}

/** The JSON text of every variable: what a program would have to send anew. */
function texts(pool: JsonObject): string {
  return JSON.stringify(
    Object.keys(pool)
      .sort()
      .map((name) => [name, JSON.stringify(pool[name])]),
  )
}

it('saves what a plain object would be after the same edits, and only when it has changed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(edit, fc.boolean()), { maxLength: 30 }), async (edits) => {
      const written: JsonObject[] = []
      const place = memoryPlace()
      const { openStore } = openersFor(() => {
        const backend = memoryBackend(place)
        const write = backend.write.bind(backend)
        backend.write = (bytes, limitMs) => {
          written.push(JSON.parse(withoutRevision(new TextDecoder().decode(bytes))))
          return write(bytes, limitMs)
        }
        return backend
      })
      const pt = await openStore({ name: 'edited', saveOnExit: false })
      const replayed: JsonObject = {}
      pt.$on('change', ({ name, value }) => {
        if (value === undefined) delete replayed[name]
        else put(replayed, name, value)
      })
      let plain: JsonObject = {}
      let saved = texts(plain)
      for (const [change, save] of edits) {
        change(plain)
        change(pt)
        // Values of a pool are copies, in every place: the plain object must not have one object in two places either.
        plain = JSON.parse(JSON.stringify(plain))
        expect(JSON.parse(JSON.stringify(pt))).toEqual(plain)
        if (!save) continue
        const before = written.length
        await pt.save()
        expect(written.length - before).toBe(texts(plain) === saved ? 0 : 1)
        if (written.length > 0) expect(written.at(-1)).toEqual(plain)
        saved = texts(plain)
      }
      expect(pt.$snapshot()).toEqual(plain)
      await Promise.resolve()
      expect(replayed).toEqual(plain)
      await pt.$close()
      const again = await openStore({ name: 'edited', saveOnExit: false })
      expect(again.$snapshot()).toEqual(plain)
    }),
    { numRuns: 500 },
  )
})
