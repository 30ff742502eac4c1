import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { memoryBackend, memoryPlace } from '../../src/backends/memory.ts'
import { openersFor } from '../../src/open/open-store.ts'
import { withoutRevision } from '../helpers/bytes.ts'

interface Written {
  berry_source_of_value: string
  payload_utf8: string
  payload_hex?: string
  note: string
}

interface Read {
  payload: string
  ok: boolean
  note: string
  interpreter: 'desktop' | 'tasmota' | 'tasmota-head'
  js_accepts_as_object: boolean
  value_after_berry_rewrite?: string
}

function fixture<Row>(name: string): Row[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'))
}

/** A place that holds these bytes, the opener for it, and what it holds then, without the revision. */
function placeWith(bytes: Uint8Array) {
  const place = memoryPlace()
  place.replace(bytes)
  const held = () => withoutRevision(new TextDecoder().decode(place.bytes ?? new Uint8Array()))
  return { ...openersFor(() => memoryBackend(place)), held, place }
}

describe('a pool that a device wrote', () => {
  const rows = fixture<Written>('berry-written.json')

  it('pools that a device wrote are there, in all recorded kinds', () => expect(rows.length).toBeGreaterThan(170))

  it.each(rows.map((row) => [`${row.note}: ${row.berry_source_of_value.slice(0, 40)}`, row] as const))(
    'loads to the right values and goes back as it came: %s',
    async (_, row) => {
      const bytes = row.payload_hex ? Buffer.from(row.payload_hex, 'hex') : Buffer.from(row.payload_utf8)
      const { openStore, held } = placeWith(bytes)
      const pt = await openStore({ name: 'device', saveOnExit: false })
      const values = JSON.parse(bytes.toString('utf8'))
      expect(pt.$snapshot()).toEqual(values)
      for (const name of Object.keys(values)) expect(pt.find(name)).toEqual(values[name])

      await pt.save()
      expect(held(), 'nothing has changed, so nothing is sent').toBe(bytes.toString('utf8'))

      pt.added = 1
      await pt.save()
      const before = bytes.toString('utf8').trimEnd().slice(0, -1)
      expect(held()).toBe(`${before}${before === '{' ? '' : ','}"added":1}`)
      await pt.$close()
    },
  )
})

describe("with compat 'tasmota'", () => {
  const rows = fixture<Read>('js-written-read-by-berry.json').filter((row) => row.interpreter !== 'desktop')
  const ours = rows.filter((row) => row.js_accepts_as_object && isWrittenAsWeWouldWrite(row.payload))

  it('a device has been recorded reading many payloads of ours', () => expect(ours.length).toBeGreaterThan(100))

  it('what a program may assign is what a device can read back', async () => {
    const refused: string[] = []
    for (const row of ours) {
      const { openStore, held } = placeWith(Buffer.from('{}'))
      const pt = await openStore({ name: 'device', compat: 'tasmota', maxBytes: 100_000, saveOnExit: false })
      try {
        for (const [name, value] of Object.entries(JSON.parse(row.payload))) Reflect.set(pt, name, value)
      } catch {
        refused.push(row.payload.slice(0, 40))
        continue
      }
      await pt.save()
      expect(held()).toBe(row.payload)
      expect(row, row.payload.slice(0, 60)).toMatchObject({ ok: true })
      // Reals have six digits on a device: that is all that may become of a value.
      if (row.value_after_berry_rewrite === 'CHANGED')
        expect(holdsReal(JSON.parse(row.payload)), row.payload).toBe(true)
      await pt.$close()
    }
    expect(refused).toContain('{"v":2147483648}')
    expect(refused).toContain('{"v":1729900800123}')
    expect(refused).toContain('{"v":"a\\u0000b"}')
    expect(refused).toContain('{"v":"\\ud83d"}')
    expect(refused).toContain('{"v":1.7976931348623157e+308}')
    expect(refused).not.toContain('{"v":2147483647}')
  })

  // Berry of 2024 reads 3000000000.5 as -1294967296.
  it("compat 'tasmota' refuses a real number whose digits before the point are outside 32 bits", async () => {
    const { openStore } = placeWith(Buffer.from('{"v":3000000000.5,"w":1.5e+10}'))
    const pt = await openStore({ name: 'dev1', compat: 'tasmota', saveOnExit: false })
    for (const value of [2 ** 31 + 0.5, -(2 ** 31) - 0.5, 3_000_000_000.5, [[2 ** 40 + 0.25]]]) {
      expect(() => {
        pt.x = value
      }).toThrow(expect.objectContaining({ code: 'ERR_PERSIST_NOT_STORABLE' }))
    }
    for (const value of [2 ** 31 - 0.5, -(2 ** 31) + 0.5, -(2 ** 31)]) pt.x = value
    // What is there already stays as it came.
    await pt.save()
    expect([pt.v, pt.w, pt.x]).toEqual([3_000_000_000.5, 1.5e10, -(2 ** 31)])
    await pt.$close()
  })

  it("compat 'tasmota' refuses a pool that is over what a device takes in, before it is sent", async () => {
    const { openStore, place } = placeWith(Buffer.from('{}'))
    const pt = await openStore({ name: 'dev1', compat: 'tasmota', saveOnExit: false })
    pt.$on('error', () => {})
    // A device takes in the revision, too.
    const first = '{"$rev":"abcd.1.hash1<.hash0","v":""}'
    pt.v = 'x'.repeat(1174 - first.length)
    await pt.save()
    const second = '{"$rev":"abcd.2.hash2<abcd.1.hash1","v":""}'
    pt.v = 'x'.repeat(1174 - second.length + 1)
    await expect(pt.save()).rejects.toMatchObject({ code: 'ERR_PERSIST_TOO_LARGE', sizeBytes: 1175, limitBytes: 1174 })
    expect(place.bytes).toHaveLength(1174)
  })
})

function isWrittenAsWeWouldWrite(payload: string): boolean {
  try {
    return JSON.stringify(JSON.parse(payload)) === payload
  } catch {
    // Thousands of lists in each other: JSON.parse reads them, JSON.stringify does not write them.
    return false
  }
}

function holdsReal(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsReal)
}
