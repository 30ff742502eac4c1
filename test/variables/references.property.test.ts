import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/format/json.ts'
import type { LooseStore } from '../../src/store/members.ts'
import { HeldBackend } from '../helpers/held-backend.ts'
import { type Container, change, edit, plain, pool } from './twin-edits.ts'

/** One list or map as the store and as the plain object has it, and the variable it was found in. */
interface Twins {
  held: Container
  twin: Container
  variable?: string
}

class Unknown {}
const holey = [1, 2, 3]
delete holey[1]
/** What cannot be stored, alone and deep in something else. */
const unstorable = fc.constantFrom<unknown>(
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  5n,
  new Date(0),
  new Map(),
  () => 1,
  Symbol('s'),
  new Unknown(),
  { a: [1, undefined] },
  [[{ b: Number.NaN }]],
  { a: { b: new Set() } },
  holey,
)

/** The lists and maps of a pool and of its twin, the pools themselves first. */
function twinsIn({ held, twin, variable }: Twins): Twins[] {
  const inside = Object.entries(twin).flatMap(([key, child]) => {
    if (typeof child !== 'object' || child === null) return []
    return twinsIn({ held: (held as JsonObject)[key] as Container, twin: child, variable: variable ?? key })
  })
  return [{ held, twin, ...(variable !== undefined && { variable }) }, ...inside]
}

/** Tries to put it wherever something can be put. */
function refuse(container: Container, value: unknown): void {
  const refused = expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE', path: expect.stringMatching(/^pt\b/) })
  const isRefused = (way: () => unknown) => expect(way).toThrow(refused)
  isRefused(() => Object.assign(container, { 0: value }))
  isRefused(() => Object.defineProperty(container, 0, { value, configurable: true }))
  if (!Array.isArray(container)) return
  const list = container as unknown[]
  isRefused(() => list.push(0, value))
  isRefused(() => list.unshift(value, 0))
  isRefused(() => list.splice(0, 1, 0, value))
  isRefused(() => Array.prototype.push.call(list, value))
  if (list.length > 0) isRefused(() => list.fill(value))
}

/** All of a pool, its variables in one order: one that is removed and set again may come back to its old place. */
function textOf(pool: JsonObject): string {
  return JSON.stringify(Object.entries(pool).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

it('a list or map that is held goes on being that part of the pool, until it is taken out', async () => {
  const steps = fc.array(fc.record({ where: fc.nat(30), which: fc.constantFrom('any', 'keep', 'kept'), edit }), {
    maxLength: 30,
    size: 'max',
  })
  await fc.assert(
    fc.asyncProperty(steps, unstorable, async (all, bad) => {
      const backend = new HeldBackend('{"l":[3,[1,{"a":[]}],2],"m":{"a":{"b":[{}]}},"s":1}')
      const pt: LooseStore = await backend.openers.openStore({ name: 'any', saveOnExit: false })
      const twin = JSON.parse(backend.text as string) as JsonObject
      const whole: Twins = { held: pt as unknown as JsonObject, twin }
      // Some were found earlier, and may have been taken out since: changing those changes nothing.
      const kept: Twins[] = []
      for (const { where, which, edit } of all) {
        const from = which === 'kept' && kept.length > 0 ? kept : twinsIn(whole)
        const here = from[where % from.length] as Twins
        if (which === 'keep') kept.push(here)
        const before = pt.$snapshot()
        const [shown, names] = [JSON.stringify(before), Object.keys(before)]

        if (here.variable !== undefined) refuse(here.held, bad)
        expect(pt.$snapshot()).toBe(before)
        expect(JSON.stringify(pt)).toBe(shown)

        change(pool, here.held, edit)
        change(plain, here.twin, edit)
        expect(textOf(pt.$snapshot())).toBe(textOf(twin))
        expect({ ...pt }).toEqual(twin)
        // What was shown before stays as it was; variables in which nothing was changed are shown as the same objects.
        expect(JSON.stringify(before)).toBe(shown)
        if (here.variable === undefined) continue
        const others = names.filter((name) => name !== here.variable)
        expect(others.map((name) => pt.$snapshot()[name] === before[name])).toEqual(others.map(() => true))
      }
      await pt.save()
      expect(JSON.parse(backend.text as string)).toEqual(twin)
      await pt.$close()
    }),
    { numRuns: 500 },
  )
}, 60_000)
