import { describe, expect, it } from 'vitest'
import { MalformedPacket } from '../../../src/mqtt/codec/malformed-packet.ts'
import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { ProtocolVersion } from '../../../src/mqtt/codec/packets.ts'
import { CONNACK, hex } from './packet-bytes.ts'

/**
 * What a server may not send, in hexadecimal, with the reason code for it and the clause that the error names: in MQTT 5's
 * numbers. `right` is the same put right, where anything can be.
 */
export type Rule = readonly [
  versions: readonly ProtocolVersion[],
  code: number,
  clause: string,
  what: string,
  wrong: string,
  right?: string,
]

export const BOTH: readonly ProtocolVersion[] = [4, 5]
export const MALFORMED = 0x81
export const PROTOCOL_ERROR = 0x82
export const TOPIC_ALIAS_INVALID = 0x94

/** Tests rules for what comes after a CONNACK with success, or as the very first. */
export function testRules(
  title: string,
  rules: readonly Rule[],
  place: 'after CONNACK' | 'first' = 'after CONNACK',
): void {
  const each = rules.flatMap(([versions, code, clause, what, wrong, right]) =>
    versions.map((version) => ({ version, code, clause, what, wrong, right })),
  )
  const start = (version: ProtocolVersion) => hex(place === 'first' ? '' : CONNACK[version])

  describe(title, () => {
    it.each(each)('$what is refused ($clause, level $version)', ({ version, code, clause, wrong }) => {
      const bytes = hex(wrong)
      for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
        const { error } = readAll(version, [start(version), ...chunks])
        expect(error).toBeInstanceOf(MalformedPacket)
        expect(error).toMatchObject({ reasonCode: code, message: expect.stringContaining(clause) })
      }
    })

    const corrected = each.filter(({ right }) => right !== undefined)
    it.each(corrected)('$what, put right, is read ($clause, level $version)', ({ version, right = '' }) => {
      const { error, count } = readAll(version, [start(version), hex(right)])
      expect(error).toBeUndefined()
      expect(count).toBe(place === 'first' ? 1 : 2)
    })
  })
}

function readAll(version: ProtocolVersion, chunks: readonly Uint8Array[]): { error: unknown; count: number } {
  let count = 0
  const reader = new PacketReader(version, () => count++)
  try {
    for (const chunk of chunks) reader.push(chunk)
    return { error: undefined, count }
  } catch (error) {
    return { error, count }
  }
}
