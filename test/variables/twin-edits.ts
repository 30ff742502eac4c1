import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/format/json.ts'

export type Container = JsonValue[] | JsonObject

/** How a side does what is not the same on both: a pool copies what it is given, a plain object does not. */
export interface Side {
  /** A value to be put somewhere, so that it is in no other place. */
  fresh<Value>(value: Value): Value
  fill(list: JsonValue[], value: JsonValue, start: number, end: number): void
  copyWithin(list: JsonValue[], target: number, start: number): void
  /** Puts a part of a map where it may be already. */
  assign(map: JsonObject, to: string, from: string): void
}

export const pool: Side = {
  fresh: (value) => value,
  fill: (list, value, start, end) => void list.fill(value, start, end),
  copyWithin: (list, target, start) => void list.copyWithin(target, start),
  assign(map, to, from) {
    map[to] = map[from] as JsonValue
  },
}

/** The same by hand, with copies where the pool has them. */
export const plain: Side = {
  fresh: (value) => structuredClone(value),
  fill(list, value, start, end) {
    for (let index = start; index < list.length + end; index++) list[index] = structuredClone(value)
  },
  copyWithin(list, target, start) {
    const before = [...list]
    const sources = [...list.keys()].copyWithin(target, start)
    for (const [index, source] of sources.entries()) {
      if (source !== index) list[index] = structuredClone(before[source]) as JsonValue
    }
  },
  assign(map, to, from) {
    if (to !== from) map[to] = structuredClone(map[from]) as JsonValue
  },
}

const name = fc.constantFrom('a', 'b', '0', 'x y', 'ü', 'toString', 'length')

const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(fc.nat(3), fc.constantFrom(null, true, '', 'ä')),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
}))

export interface Edit {
  what: number
  name: string
  value: JsonValue
  at: number
  n: number
}

export const edit: fc.Arbitrary<Edit> = fc.record({ what: fc.nat(12), name, value, at: fc.nat(9), n: fc.nat(3) })

export function change(side: Side, container: Container, edit: Edit): void {
  if (Array.isArray(container)) changeList(side, container, edit)
  else changeMap(side, container, edit)
}

function changeMap(side: Side, map: JsonObject, { what, name, value, at, n }: Edit): void {
  const names = Object.keys(map)
  const some = names[at % Math.max(1, names.length)]
  if (what < 5 || some === undefined) map[name] = side.fresh(value)
  else if (what < 7) delete map[some]
  else if (what < 10) side.assign(map, name, some)
  else Object.assign(map, side.fresh({ [name]: value, b: n }))
}

function changeList(side: Side, list: JsonValue[], { what, value, at, n }: Edit): void {
  const index = at % (list.length + 1)
  const put = () => side.fresh(value)
  const edits = [
    () => void list.push(put(), n),
    () => void list.pop(),
    () => void list.shift(),
    () => void list.unshift(put(), null),
    () => void list.splice(index, n, put(), n),
    () => void list.splice(-n),
    () => void list.sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other))),
    () => void list.reverse(),
    () => side.fill(list, value, index, -1),
    () => side.copyWithin(list, n, index),
    () => {
      list.length = index
    },
    () => {
      list[index] = put()
    },
    () => swap(side, list, index),
  ]
  edits[what]?.()
}

/** Only where two places are meant: what is put where it already is does not move. */
function swap({ fresh }: Side, list: JsonValue[], index: number): void {
  if (index === 0 || index >= list.length) return
  ;[list[0], list[index]] = [fresh(list[index]), fresh(list[0])] as [JsonValue, JsonValue]
}
