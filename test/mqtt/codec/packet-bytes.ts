import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { ProtocolVersion, Received } from '../../../src/mqtt/codec/packets.ts'

/** Bytes as they are written in a test: `'30 05 00 01'`. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16))
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)))
}

/** A whole packet, in hexadecimal: the first byte, its Remaining Length, and what follows. */
export function packet(first: string, ...body: string[]): string {
  return `${first} ${measured(body.join(' '))}`
}

/** Properties with their length in front. */
export function properties(...each: string[]): string {
  return measured(each.join(' '))
}

/** A string with its length in front. */
export function string(text: string): string {
  const bytes = new TextEncoder().encode(text)
  return `${bytes.length.toString(16).padStart(4, '0')} ${hexOf(bytes)}`
}

function measured(body: string): string {
  let length = hex(body).length
  let bytes = ''
  do {
    const more = length >= 0x80
    bytes += ((length & 0x7f) | (more ? 0x80 : 0)).toString(16).padStart(2, '0')
    length >>>= 7
  } while (length > 0)
  return `${bytes} ${body}`
}

/** CONNACK with success, which must come first. */
export const CONNACK: { readonly [version in ProtocolVersion]: string } = { 4: '20 02 0000', 5: '20 03 0000 00' }

/** A reader behind CONNACK, and the packets that it has told. */
export function openReader(version: ProtocolVersion): { reader: PacketReader; told: Received[] } {
  const told: Received[] = []
  const reader = new PacketReader(version, (each) => told.push(each))
  reader.push(hex(CONNACK[version]))
  told.length = 0
  return { reader, told }
}

/** The packets after CONNACK in these bytes. */
export function readOpen(version: ProtocolVersion, bytes: string): Received[] {
  const { reader, told } = openReader(version)
  reader.push(hex(bytes))
  return told.map(plain)
}

/** All fields of a packet as its own, so that they can be compared. */
export function plain(each: Received): Received {
  if (each.type !== 'publish') return each
  const { type, topic, payload, qos, retain, dup, packetId } = each
  return { type, topic, payload: new Uint8Array(payload), qos, retain, dup, packetId, properties: each.properties }
}
