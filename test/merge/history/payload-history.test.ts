import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fingerprint } from '../../../src/format/fingerprint.ts'
import { PayloadHistory } from '../../../src/merge/history/payload-history.ts'
import { bytesOf } from '../../helpers/bytes.ts'

it('a fingerprint is the same wherever the bytes lie, and another where one bit is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(7), fc.nat(), (bytes, offset, at) => {
      const moved = new Uint8Array(bytes.length + offset)
      moved.set(bytes, offset)
      expect(fingerprint(moved.subarray(offset))).toBe(fingerprint(bytes))
      const other = new Uint8Array(bytes)
      other[at % bytes.length] = (other[at % bytes.length] ?? 0) ^ (1 << (at % 8))
      expect(fingerprint(other)).not.toBe(fingerprint(bytes))
      expect(fingerprint(new Uint8Array([...bytes, 0]))).not.toBe(fingerprint(bytes))
    }),
  )
})

it('a hundred thousand payloads that differ in a number have as many fingerprints', () => {
  const prints = new Set<number>()
  for (let n = 0; n < 100_000; n++) prints.add(fingerprint(bytesOf(`{"counter":${n},"name":"garage"}`)))
  expect(prints.size).toBe(100_000)
})

it('the history knows the last payload, older ones, those on their way or lost on it, and nothing else', () => {
  const history = new PayloadHistory()
  const kinds = () => ['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}'].map((text) => history.kindOf(bytesOf(text)))
  history.seen(bytesOf('{"n":0}'))
  history.sent(bytesOf('{"n":1}'))
  expect(kinds()).toEqual(['last', 'sent', 'unknown', 'unknown'])
  history.confirmed(history.sent(bytesOf('{"n":2}')))
  expect(kinds()).toEqual(['older', 'stray', 'last', 'unknown'])
})
