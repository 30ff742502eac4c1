import { describe, expect, it } from 'vitest'
import { PacketCount } from '../../src/pools/dropped-messages.ts'

function missingIn(ids: Iterable<number>): number {
  const count = new PacketCount()
  for (const id of ids) count.received(id)
  return count.missing
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('packet identifiers', () => {
  it('packet identifiers in a row tell that nothing is missing', () => {
    expect(missingIn(range(1, 1000))).toBe(0)
    expect(missingIn([...range(65_000, 65_535), ...range(1, 10)])).toBe(0)
  })

  it('gaps between packet identifiers tell how many messages are missing', () => {
    expect(missingIn([...range(1, 1020), 10_002])).toBe(8981)
    expect(missingIn([...range(1, 1020), 1020 + 100_000 - 65_535])).toBe(100_000 - 65_535 - 1)
  })

  it('packet identifiers that are used again as soon as they are free tell nothing', () => {
    expect(missingIn([1, 2, 3, 1, 2, 3, 1])).toBe(0)
    expect(missingIn([1, 1, 1])).toBe(0)
  })
})
