import { describe, expect, it } from 'vitest'
import { encodePublish, encodePublishHeader } from '../../../src/mqtt/codec/encode.ts'
import { MalformedPacket } from '../../../src/mqtt/codec/malformed-packet.ts'
import { PacketReader } from '../../../src/mqtt/codec/packet-reader.ts'
import type { Received, ReceivedPublish } from '../../../src/mqtt/codec/packets.ts'
import { bytesOf } from '../../helpers/bytes.ts'
import { countAllocated } from './count-allocated.ts'
import { hex, openReader, packet, properties, readOpen, string } from './packet-bytes.ts'

const topic = string('a/b')
const nothing = { properties: {} }

/** One of each property that a message may have. */
const EVERY_PROPERTY = properties(
  '01 01',
  '02 fffffffe',
  `03 ${string('text/plain')}`,
  `08 ${string('answers')}`,
  '09 0002 00ff',
  '0b ffffff7f',
  `26 ${string('by')} ${string('ü')}`,
)

describe('what a server sends', () => {
  it.each<[what: string, version: 4 | 5, bytes: string, expected: Received]>([
    ['PUBACK', 4, '40 02 0007', { type: 'puback', packetId: 7, reasonCode: 0, ...nothing }],
    ['PUBACK', 5, '40 02 ffff', { type: 'puback', packetId: 65_535, reasonCode: 0, ...nothing }],
    ['PUBACK with a code', 5, '40 03 0007 10', { type: 'puback', packetId: 7, reasonCode: 0x10, ...nothing }],
    // Mosquitto 2.0 says so, and the standard has no such code for PUBACK (3.4.2.1).
    ['PUBACK with 0x95', 5, '40 04 0007 95 00', { type: 'puback', packetId: 7, reasonCode: 0x95, ...nothing }],
    ['SUBACK', 4, '90 05 0007 00 01 80', { type: 'suback', packetId: 7, reasonCodes: [0, 1, 0x80], ...nothing }],
    ['SUBACK', 5, '90 05 0007 00 01 ee', { type: 'suback', packetId: 7, reasonCodes: [1, 0xee], ...nothing }],
    ['UNSUBACK', 4, 'b0 02 0007', { type: 'unsuback', packetId: 7, reasonCodes: [], ...nothing }],
    ['UNSUBACK', 5, 'b0 05 0007 00 11 ee', { type: 'unsuback', packetId: 7, reasonCodes: [0x11, 0xee], ...nothing }],
    ['PINGRESP', 4, 'd0 00', { type: 'pingresp' }],
    ['PINGRESP', 5, 'd0 00', { type: 'pingresp' }],
    ['DISCONNECT', 5, 'e0 00', { type: 'disconnect', reasonCode: 0, ...nothing }],
    ['DISCONNECT with a code', 5, 'e0 01 8e', { type: 'disconnect', reasonCode: 0x8e, ...nothing }],
    ['DISCONNECT with an unknown code', 5, 'e0 02 ee 00', { type: 'disconnect', reasonCode: 0xee, ...nothing }],
    [
      'DISCONNECT with properties',
      5,
      packet('e0', '9c', properties(`1f ${string('why')} 1c ${string('there')}`)),
      { type: 'disconnect', reasonCode: 0x9c, properties: { reasonString: 'why', serverReference: 'there' } },
    ],
    ['PUBLISH', 4, packet('31', topic, '01 02'), message({ payload: hex('01 02'), retain: true })],
    ['PUBLISH', 5, packet('3a', topic, '0007 00'), message({ qos: 1, dup: true, packetId: 7 })],
    [
      'PUBLISH with every property',
      5,
      packet('30', topic, EVERY_PROPERTY, '61'),
      message({
        payload: hex('61'),
        properties: {
          payloadFormatIndicator: true,
          messageExpiryInterval: 4_294_967_294,
          contentType: 'text/plain',
          responseTopic: 'answers',
          correlationData: hex('00ff'),
          subscriptionIdentifier: 268_435_455,
          userProperties: { by: 'ü' },
        },
      }),
    ],
  ])('%s at level %i: %s', (_what, version, bytes, expected) => {
    expect(readOpen(version, bytes)).toEqual([expected])
  })

  it('CONNACK tells what the server can do', () => {
    const bytes = packet(
      '20',
      '0000',
      properties(
        ...['11 0000003c', `12 ${string('auto-1')}`, '13 001e', '16 0001 aa', `1a ${string('info')}`],
        ...[`1c ${string('there')}`, `1f ${string('fine')}`, '21 0014', '22 000a', '24 01', '25 00'],
        ...[`26 ${string('k')} ${string('v')}`, '27 00100000', '28 00', '29 01', '2a 00'],
      ),
    )
    expect(readFirst(5, bytes)).toEqual({
      type: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 60,
        assignedClientIdentifier: 'auto-1',
        serverKeepAlive: 30,
        authenticationData: hex('aa'),
        responseInformation: 'info',
        serverReference: 'there',
        reasonString: 'fine',
        receiveMaximum: 20,
        topicAliasMaximum: 10,
        maximumQoS: 1,
        retainAvailable: false,
        userProperties: { k: 'v' },
        maximumPacketSize: 1_048_576,
        wildcardSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: true,
        sharedSubscriptionAvailable: false,
      },
    })
  })

  it.each<[version: 4 | 5, bytes: string, reasonCode: number]>([
    [4, '20 02 0005', 5],
    [4, '20 02 00ee', 0xee],
    [5, '20 03 0087 00', 0x87],
    [5, '20 03 00ee 00', 0xee],
    // A server that speaks 3.1.1 alone, asked for MQTT 5.
    [5, '20 02 0001', 1],
  ])('CONNACK at level %i refuses: %s', (version, bytes, reasonCode) => {
    expect(readFirst(version, bytes)).toEqual({ type: 'connack', sessionPresent: false, reasonCode, properties: {} })
  })

  it('a user property may come several times, and be called like a member of every object', () => {
    const pairs = [
      ...[`26 ${string('a')} ${string('')}`, `26 ${string('a')} ${string('2')}`, `26 ${string('a')} ${string('3')}`],
      ...[`26 ${string('__proto__')} ${string('x')}`, `26 ${string('constructor')} ${string('y')}`],
    ]
    const [read] = readOpen(5, packet('30', topic, properties(...pairs))) as [ReceivedPublish]
    const { userProperties } = read.properties
    expect(Object.entries(userProperties ?? {})).toEqual([
      ['a', ['', '2', '3']],
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(Object.getPrototypeOf(userProperties)).toBeNull()
  })

  it('a message that several subscriptions match has the identifier of each', () => {
    const [read] = readOpen(5, packet('30', topic, properties('0b 01 0b 8001 0b 03'))) as [ReceivedPublish]
    expect(read.properties.subscriptionIdentifier).toEqual([1, 128, 3])
  })

  it('U+FEFF is a character like others [MQTT-1.5.4-3]', () => {
    const bytes = packet('30', string('\ufeffa'), properties(`03 ${string('\ufeff')}`))
    const [read] = readOpen(5, bytes) as [ReceivedPublish]
    expect(read.topic).toBe('\ufeffa')
    expect(read.properties.contentType).toBe('\ufeff')
  })

  it('what a publisher got wrong and a server must pass on does not end the connection', () => {
    const wrong = properties(`08 ${string('a/#')}`, '01 07')
    const [read] = readOpen(5, packet('30', topic, wrong)) as [ReceivedPublish]
    expect(read.properties).toEqual({ responseTopic: 'a/#', payloadFormatIndicator: false })
  })

  it('topics that differ in one byte are told apart', () => {
    const bytes = ['a/b', 'a/c', 'a/c', 'a/', 'a/b'].map((each) => packet('30', string(each))).join('')
    expect(readOpen(4, bytes).map((each) => (each as ReceivedPublish).topic)).toEqual([
      'a/b',
      'a/c',
      'a/c',
      'a/',
      'a/b',
    ])
  })

  it('a Remaining Length may be longer than it needs in 3.1.1 (2.2.3)', () => {
    expect(readOpen(4, '40 82 80 00 0007')).toEqual([{ type: 'puback', packetId: 7, reasonCode: 0, properties: {} }])
  })
})

function message(fields: Partial<ReceivedPublish>): ReceivedPublish {
  const plain = { topic: 'a/b', payload: new Uint8Array(), qos: 0, retain: false, dup: false } as const
  return { type: 'publish', ...plain, packetId: undefined, properties: {}, ...fields }
}

function readFirst(version: 4 | 5, bytes: string): Received | undefined {
  const told: Received[] = []
  new PacketReader(version, (each) => told.push(each)).push(hex(bytes))
  expect(told).toHaveLength(1)
  return told[0]
}

describe('how it comes', () => {
  const flight = [
    packet('90', '0007 00 01'),
    packet('32', topic, '0001', EVERY_PROPERTY, '61'.repeat(300)),
    'd0 00',
    packet('40', '0007'),
  ].join(' ')

  it.each([1, 2, 3, 5, 7, 100, 1000])('is the same in pieces of %i bytes', (size) => {
    const bytes = hex(flight)
    const { reader, told } = openReader(5)
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    expect(told.map(({ type }) => type)).toEqual(['suback', 'publish', 'pingresp', 'puback'])
    const [, read] = told as [Received, ReceivedPublish]
    expect(new Uint8Array(read.payload)).toEqual(bytesOf('a'.repeat(300)))
    expect(read.properties.responseTopic).toBe('answers')
  })

  it('a packet is told with its last byte, one without a body too', () => {
    const { reader, told } = openReader(5)
    reader.push(hex('d0'))
    expect(told).toHaveLength(0)
    reader.push(hex('00 40 02 00'))
    expect(told).toHaveLength(1)
    reader.push(hex('07'))
    expect(told).toHaveLength(2)
  })

  it('a payload that came in one chunk is not copied', () => {
    const chunk = hex(packet('30', topic, '00', '61 62'))
    const { reader, told } = openReader(5)
    reader.push(chunk)
    expect((told[0] as ReceivedPublish).payload.buffer).toBe(chunk.buffer)
  })

  it('a long message in small pieces is copied a few times at most, and nothing is allocated ahead', () => {
    const payload = new Uint8Array(10_000_000).fill(0x61)
    const bytes = encodePublish({ topic: 'a/b', payload, qos: 0, retain: false }, 5)
    const { reader, told } = openReader(5)
    const allocated = countAllocated(() => {
      for (let at = 0; at < bytes.length; at += 1000) reader.push(bytes.subarray(at, at + 1000))
    })
    expect((told[0] as ReceivedPublish).payload).toHaveLength(payload.length)
    expect(allocated).toBeGreaterThan(payload.length)
    expect(allocated).toBeLessThan(3 * payload.length)
  })

  it('what is announced allocates nothing', () => {
    const header = encodePublishHeader({ topic: 'a/b', payload: new Uint8Array(200_000_000), qos: 0, retain: false }, 5)
    const { reader } = openReader(5)
    expect(countAllocated(() => reader.push(header))).toBeLessThan(10_000)
  })

  it('what follows a malformed packet is not read', () => {
    const { reader, told } = openReader(5)
    expect(() => reader.push(hex('d0 00 d1 00 d0 00'))).toThrow(MalformedPacket)
    expect(told).toEqual([{ type: 'pingresp' }])
    reader.push(hex('d0 00 d1 00'))
    expect(told).toHaveLength(1)
  })

  it('what cannot begin a CONNACK is refused at its first byte', () => {
    for (let first = 0; first < 256; first++) {
      const push = () => new PacketReader(4, () => {}).push(Uint8Array.of(first))
      if (first === 0x20) expect(push).not.toThrow()
      else expect(push).toThrow(MalformedPacket)
    }
  })
})
