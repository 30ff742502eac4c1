import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeConnect, encodePublish, encodeSubscribe } from '../../../src/mqtt/codec/encode.ts'
import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { ProtocolVersion, Received } from '../../../src/mqtt/codec/packets.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { hex, hexOf, joined, plain } from './packet-bytes.ts'

interface Flight {
  readonly server: string
  readonly protocolVersion: ProtocolVersion
  readonly sent: string
  readonly received: string
}

const POOL = 'home/persist'
const FENCE = 'home/persist/fence/c0ffee'

const none = { properties: {} }
const accepted: Received = { type: 'connack', sessionPresent: false, reasonCode: 0, ...none }
const suback: Received = { type: 'suback', packetId: 1, reasonCodes: [1, 1], ...none }
const puback: Received = { type: 'puback', packetId: 2, reasonCode: 0, ...none }

function message(topic: string, text: string, packetId: number, retain = false): Received {
  return { type: 'publish', topic, payload: bytesOf(text), qos: 1, retain, dup: false, packetId, ...none }
}

const retained = (packetId: number) => message(POOL, '{"lamp":"on","küche":21.5}', packetId, true)
const fence = (packetId: number) => message(FENCE, 'fence', packetId)

describe.each<[file: string, expected: Received[]]>([
  ['mosquitto-3.1.1', [accepted, suback, retained(1), fence(2), puback]],
  [
    'mosquitto-5',
    [
      { ...accepted, properties: { topicAliasMaximum: 10, receiveMaximum: 20 } } as Received,
      suback,
      { ...retained(1), properties: { userProperties: { 'persist-by': 'another', 'persist-at': '7' } } } as Received,
      fence(2),
      puback,
    ],
  ],
  // Aedes counts on from one client to the next.
  ['aedes-3.1.1', [accepted, puback, suback, retained(0x7fdc), fence(0x7fdd)]],
  ['nats-server-3.1.1', [accepted, suback, retained(1), puback, fence(2)]],
])('%s', (file, expected) => {
  const flight: Flight = JSON.parse(
    readFileSync(new URL(`../../fixtures/first-flights/${file}.json`, import.meta.url), 'utf8'),
  )
  const version = flight.protocolVersion
  const bytes = hex(flight.received)

  it('what it answers to one flight is read', () => {
    expect(read(version, [bytes])).toEqual(expected)
  })

  it('and the same byte by byte', () => {
    expect(
      read(
        version,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(expected)
  })

  it('what is sent first is still what it took', () => {
    const flown = [
      encodeConnect({ clientId: 'owner', keepAliveSeconds: 30 }, version),
      encodeSubscribe(
        1,
        [POOL, FENCE].map((topic) => ({ topic, qos: 1 })),
        version,
      ),
      encodePublish({ topic: FENCE, payload: bytesOf('fence'), qos: 1, retain: false, packetId: 2 }, version),
    ]
    expect(hexOf(joined(flown))).toBe(hexOf(hex(flight.sent)))
  })
})

function read(version: ProtocolVersion, chunks: readonly Uint8Array[]): Received[] {
  const told: Received[] = []
  const reader = new PacketReader(version, (packet) => told.push(packet))
  for (const chunk of chunks) reader.push(chunk)
  return told.map(plain)
}
