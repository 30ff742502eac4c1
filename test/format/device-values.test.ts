import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { decodePayload } from '../../src/format/payload.ts'

interface Row {
  berry_source_of_value: string
  payload_utf8: string
  payload_hex?: string
  note: string
  whole_pool?: boolean
  written_by: { [interpreter: string]: string[] }
}

const rows: Row[] = JSON.parse(readFileSync(new URL('../fixtures/berry-written.json', import.meta.url), 'utf8'))

/** What has no value in JSON, and of which a device writes a description. */
const DESCRIBED = /^(bytes|empty bytes|range|an instance|instance|a class|a module|closure|builtin)/

/** A device's reals have six digits on the wire; one of single precision, unless it is the desktop's. */
function written(value: unknown, { note, written_by }: Row): unknown {
  if (typeof value === 'number') {
    const real = written_by.desktop ? value : Math.fround(value)
    if (!Number.isFinite(real)) return null
    return note === 'real' || !Number.isInteger(real) ? Number(real.toPrecision(6)) : real
  }
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([key, part]) => [key, written(part, { note, written_by } as Row)])
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts)
}

/**
 * The value that Berry's source text means, read as JavaScript: for literals the two languages differ in few places.
 * So this knows nothing of JSON, nor of how a pool is read.
 */
function meant(row: Row): unknown {
  const pool: { [name: string]: unknown } = {}
  const set = (name: string, value: unknown) => {
    pool[name] = value
  }
  const nested = (levels: number, around: (inner: unknown) => unknown, innermost: unknown): unknown =>
    levels <= 1 ? innermost : around(nested(levels - 1, around, innermost))
  const context = createContext({
    nil: null,
    pt: new Proxy(pool, {
      get: (_, name: string) =>
        name === 'setmember' ? set : name === 'remove' ? (gone: string) => delete pool[gone] : pool[name],
    }),
    rep: (text: string, times: number) => text.repeat(times),
    nest: (levels: number) => nested(levels, (inner) => [inner], []),
    mnest: (levels: number) => nested(levels, (inner) => ({ a: inner }), {}),
  })
  const source = row.berry_source_of_value.replaceAll('\\a', '\\x07')
  const utf8 = /^bytes\('(\w+)'\)\.asstring\(\)$/.exec(source)?.[1]
  if (utf8 !== undefined) return { v: Buffer.from(utf8, 'hex').toString('utf8') }
  const value: unknown = runInContext(row.whole_pool ? source : `(${source})`, context)
  return written(row.whole_pool ? pool : { v: value }, row)
}

/** Values for which two devices, or a device and its program, do not agree: they are checked by hand below. */
function isOfItsOwn({ note, berry_source_of_value: source, written_by, payload_hex }: Row): boolean {
  const isWrapped = note === 'int' && written_by.desktop === undefined
  return DESCRIBED.test(note) || isWrapped || payload_hex !== undefined || source.includes("1:'a','1':'b'")
}

describe('what a device wrote is read as what its program meant', () => {
  const literal = rows.filter((row) => !isOfItsOwn(row))

  it('for most of what was recorded', () => expect(literal.length).toBeGreaterThan(130))

  it.each(literal.map((row) => [`${row.note}: ${row.berry_source_of_value.slice(0, 40)}`, row] as const))(
    '%s',
    (_, row) => {
      const { values } = decodePayload(Buffer.from(row.payload_utf8), 'device')
      // Through JSON, so that objects of the other context compare; minus zero is zero there, as on the device.
      expect(JSON.stringify(sorted(values))).toBe(JSON.stringify(sorted(meant(row))))
    },
  )
})

describe('what a device wrote of other things', () => {
  const read = (source: string, interpreter: string) => {
    const row = rows.find((row) => row.berry_source_of_value === source && row.written_by[interpreter]) as Row
    const bytes = row.payload_hex ? Buffer.from(row.payload_hex, 'hex') : Buffer.from(row.payload_utf8)
    return decodePayload(bytes, 'device').values.v
  }

  it.each([
    ["bytes('0102ff')", 'tasmota', "bytes('0102FF')"],
    ['1..3', 'tasmota', '(1..3)'],
    ['StrPt(1)', 'tasmota', 'S(1)'],
    ['MyList([1,2])', 'tasmota', [1, 2]],
    // Integers that have no room in 32 bits: they wrap, or stop at the largest.
    ['4294967296', 'desktop', 4294967296],
    ['4294967296', 'tasmota', 0],
    ['4294967296', 'tasmota-head', 2147483647],
    // Two keys that are one in JSON: the last one counts.
    ["{1:'a','1':'b'}", 'tasmota', { '1': 'a' }],
    // Bytes that are no UTF-8 become the replacement character.
    ["'\\xff\\xfe'", 'tasmota', '\ufffd\ufffd'],
    ["'\\xc3'", 'tasmota', '\ufffd'],
  ])('%s, by %s', (source, interpreter, value) => expect(read(source, interpreter)).toEqual(value))
})

/** With the names of every map in order: a device has one of its own. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const names = Object.keys(value).toSorted()
  return names.map((name) => [name, sorted((value as { [name: string]: unknown })[name])])
}
