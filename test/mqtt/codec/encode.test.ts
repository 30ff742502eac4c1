import { describe, expect, it } from 'vitest'
import {
  encodeConnect,
  encodeDisconnect,
  encodePuback,
  encodePublish,
  encodePublishHeader,
  encodeSubscribe,
  encodeUnsubscribe,
  PINGREQ,
} from '../../../src/mqtt/codec/encode.ts'
import type { ConnectPacket, Properties, Publish, Will } from '../../../src/mqtt/codec/packets.ts'
import { hex, hexOf, joined, packet, properties, string } from './packet-bytes.ts'

const NO_BYTES = new Uint8Array()
const TOO_LONG = 'ü'.repeat(32_768)
const message: Publish = { topic: 'a/b', payload: hex('01 02'), qos: 1, retain: false, packetId: 7 }
const connect: ConnectPacket = { clientId: 'c', keepAliveSeconds: 30 }
const will: Will = { topic: 'w', payload: hex('01'), qos: 1, retain: true }

describe('bytes', () => {
  const protocol = string('MQTT')

  it.each<[what: string, bytes: Uint8Array, expected: string]>([
    ['CONNECT 3.1.1', encodeConnect(connect, 4), packet('10', protocol, '04 02 001e', string('c'))],
    ['CONNECT 5', encodeConnect(connect, 5), packet('10', protocol, '05 02 001e 00', string('c'))],
    [
      'CONNECT 3.1.1 with everything',
      encodeConnect({ ...connect, username: 'u', password: 'p', will }, 4),
      packet('10', protocol, '04 ee 001e', string('c'), string('w'), '0001 01', string('u'), string('p')),
    ],
    [
      'CONNECT 5 with everything',
      encodeConnect(
        {
          ...connect,
          username: 'u',
          password: 'p',
          will: { ...will, qos: 0, retain: false, properties: { willDelayInterval: 1 } },
          properties: { receiveMaximum: 65_535, requestProblemInformation: true },
        },
        5,
      ),
      packet(
        ...['10', protocol, '05 c6 001e', properties('21 ffff 17 01'), string('c'), properties('18 00000001')],
        ...[string('w'), '0001 01', string('u'), string('p')],
      ),
    ],
    [
      'CONNECT 5, a password alone',
      encodeConnect({ ...connect, password: 'p' }, 5),
      packet('10', protocol, '05 42 001e 00', string('c'), string('p')),
    ],
    ['PUBLISH 3.1.1', encodePublish(message, 4), packet('32', string('a/b'), '0007 01 02')],
    ['PUBLISH 5', encodePublish(message, 5), packet('32', string('a/b'), '0007 00 01 02')],
    [
      'PUBLISH at QoS 0',
      encodePublish({ ...message, qos: 0, retain: true }, 5),
      packet('31', string('a/b'), '00 01 02'),
    ],
    ['PUBLISH without its payload', encodePublishHeader(message, 4), '32 09 0003 612f62 0007'],
    ['PUBACK', encodePuback(0xabcd), '40 02 abcd'],
    [
      'SUBSCRIBE 3.1.1',
      encodeSubscribe(7, [{ topic: 'a/#', qos: 1, retainHandling: 2 }], 4),
      packet('82', '0007', string('a/#'), '01'),
    ],
    [
      'SUBSCRIBE 5',
      encodeSubscribe(
        7,
        [
          { topic: 'a/#', qos: 1, retainHandling: 2 },
          { topic: '+', qos: 0 },
        ],
        5,
      ),
      packet('82', '0007 00', string('a/#'), '21', string('+'), '00'),
    ],
    ['UNSUBSCRIBE 3.1.1', encodeUnsubscribe(7, ['a', 'b'], 4), packet('a2', '0007', string('a'), string('b'))],
    ['UNSUBSCRIBE 5', encodeUnsubscribe(7, ['a', 'b'], 5), packet('a2', '0007 00', string('a'), string('b'))],
    ['PINGREQ', PINGREQ, 'c0 00'],
    ['DISCONNECT 3.1.1', encodeDisconnect(4, 0x82), 'e0 00'],
    ['DISCONNECT 5', encodeDisconnect(5), 'e0 00'],
    ['DISCONNECT 5 with a reason', encodeDisconnect(5, 0x82), 'e0 01 82'],
  ])('%s', (_what, bytes, expected) => {
    expect(new Uint8Array(bytes)).toEqual(hex(expected))
  })

  it.each<[what: string, each: Properties, expected: string]>([
    ['none', {}, '00'],
    ['undefined ones', { contentType: undefined }, '00'],
    ['a flag', { payloadFormatIndicator: false }, '02 01 00'],
    ['a large number', { messageExpiryInterval: 0xffff_fffe }, '05 02 fffffffe'],
    ['bytes', { correlationData: hex('00 ff') }, '05 09 0002 00ff'],
    ['texts', { contentType: 'ü', responseTopic: '' }, '08 03 0002 c3bc 08 0000'],
    [
      'pairs',
      { userProperties: { a: ['1', ''], b: '2' } },
      properties('26 0001 61 0001 31 26 0001 61 0000 26 0001 62 0001 32'),
    ],
    ['with a length of two bytes', { contentType: 'c'.repeat(125) }, `8001 03 007d ${'63'.repeat(125)}`],
    [
      'with a length of three bytes',
      { correlationData: new Uint8Array(16_381) },
      `808001 09 3ffd ${'00'.repeat(16_381)}`,
    ],
  ])('properties: %s', (_what, each, expected) => {
    const bytes = encodePublish({ ...message, qos: 0, properties: each }, 5)
    expect(hexOf(bytes)).toBe(hexOf(hex(packet('30', string('a/b'), expected, '01 02'))))
  })

  it.each([
    [127, '7f'],
    [128, '80 01'],
    [16_383, 'ff 7f'],
    [16_384, '80 80 01'],
    [2_097_151, 'ff ff 7f'],
    [2_097_152, '80 80 80 01'],
    [268_435_455, 'ff ff ff 7f'],
  ])('the Remaining Length %i', (length, expected) => {
    const payload = { length: length - 3 } as Uint8Array
    const header = encodePublishHeader({ topic: 'a', payload, qos: 0, retain: false }, 4)
    expect(new Uint8Array(header)).toEqual(hex(`30 ${expected} 0001 61`))
  })

  it('a header and its payload are the whole packet', () => {
    const each: Publish = {
      ...message,
      properties: { userProperties: { by: 'ü' } },
      payload: new Uint8Array(70_000).fill(1),
    }
    const parts = joined([encodePublishHeader(each, 5), each.payload])
    expect(Buffer.compare(encodePublish(each, 5), parts)).toBe(0)
  })

  it('the shortest packets are whole, however many are made', () => {
    for (let times = 0; times < 20_000; times++) {
      if (hexOf(encodeDisconnect(5)) !== 'e0 00') throw new Error(`the packet ${times}`)
    }
  })

  it('packets that were made before stay as they are', () => {
    const made: [Uint8Array, Uint8Array][] = []
    for (let size = 0; size < 20_000; size = size * 2 + 1) {
      for (let times = 0; times < 40; times++) {
        const bytes = encodePublish({ ...message, payload: new Uint8Array(size).fill(times) }, 5)
        made.push([bytes, new Uint8Array(bytes)])
        // Given up in the middle.
        expect(() =>
          encodeSubscribe(
            7,
            [
              { topic: 'a', qos: 0 },
              { topic: '', qos: 0 },
            ],
            5,
          ),
        ).toThrow(RangeError)
      }
    }
    for (const [bytes, copy] of made) expect(Buffer.compare(bytes, copy)).toBe(0)
  })
})

describe('what MQTT cannot carry', () => {
  const publish = (change: Partial<Publish>) => () => encodePublish({ ...message, ...change }, 5)
  const header = (change: Partial<Publish>) => () => encodePublishHeader({ ...message, ...change }, 5)
  const connecting =
    (change: Partial<ConnectPacket>, version: 4 | 5 = 5) =>
    () =>
      encodeConnect({ ...connect, ...change }, version)
  const withProperty = (each: object) => publish({ properties: each })

  it.each<[what: string, encode: () => Uint8Array, message: string]>([
    ['a string of 65,536 bytes', publish({ topic: TOO_LONG }), 'the topic has more than 65,535 bytes'],
    ['a string of 65,536 characters', publish({ topic: 'a'.repeat(65_536) }), 'the topic has more than 65,535 bytes'],
    [
      'binary data of 65,536 bytes',
      withProperty({ correlationData: new Uint8Array(65_536) }),
      'correlationData has more',
    ],
    ['half a surrogate pair', publish({ topic: 'a\ud800' }), 'the topic has half a surrogate pair'],
    ['the other half', connecting({ clientId: '\udc00a' }), 'the client id has half a surrogate pair'],
    ['U+0000', connecting({ username: 'a\0' }), 'the user name has the character U+0000'],
    ['U+0000 in a user property', withProperty({ userProperties: { 'ü\0': '' } }), 'U+0000'],
    ['a packet of 268,435,456 bytes', header({ payload: { length: 268_435_448 } as Uint8Array }), '268435456 bytes'],
    ['no packet identifier', publish({ packetId: undefined }), 'packet identifier undefined'],
    ['the packet identifier 0', () => encodePuback(0), 'packet identifier 0'],
    ['the packet identifier 65,536', () => encodePuback(65_536), 'packet identifier 65536'],
    ['the packet identifier 1.5', () => encodeUnsubscribe(1.5, ['a'], 5), 'packet identifier 1.5'],
    ['a message to no topic', publish({ topic: '' }), 'an empty topic'],
    ['a message to many topics', publish({ topic: 'a/+' }), "'a/+' is no topic to publish to"],
    ['a will to many topics', connecting({ will: { ...will, topic: '#' } }), "'#' is no topic to publish to"],
    [
      'a will of 65,536 bytes',
      connecting({ will: { ...will, payload: new Uint8Array(65_536) } }),
      'the payload of the will',
    ],
    ['a subscription to nothing', () => encodeSubscribe(7, [], 5), 'a SUBSCRIBE without a topic'],
    ['a subscription to an empty topic', () => encodeSubscribe(7, [{ topic: '', qos: 0 }], 5), 'an empty topic'],
    ['an unsubscription from nothing', () => encodeUnsubscribe(7, [], 4), 'an UNSUBSCRIBE without a topic'],
    ['a keep alive of 65,536 seconds', connecting({ keepAliveSeconds: 65_536 }), 'a keep alive of 65536 seconds'],
    ['a keep alive of 1.5 seconds', connecting({ keepAliveSeconds: 1.5 }), 'a keep alive of 1.5 seconds'],
    ['a password alone in 3.1.1', connecting({ password: 'p' }, 4), 'a password needs a user name'],
    ['an unknown property', withProperty({ nonsense: 1 }), 'nonsense is no property'],
    ['a property of CONNECT in PUBLISH', withProperty({ receiveMaximum: 1 }), 'receiveMaximum is no property'],
    [
      'a property that the server sends',
      withProperty({ subscriptionIdentifier: 1 }),
      'subscriptionIdentifier is no property',
    ],
    ['a topic alias', withProperty({ topicAlias: 1 }), 'topicAlias is no property'],
    [
      'an authentication method',
      connecting({ properties: { authenticationMethod: 'SCRAM' } }),
      'authenticationMethod is no property',
    ],
    ['the receive maximum 0', connecting({ properties: { receiveMaximum: 0 } }), 'receiveMaximum is 0'],
    ['the receive maximum 65,536', connecting({ properties: { receiveMaximum: 65_536 } }), 'receiveMaximum is 65536'],
    [
      'a message expiry of 2 ** 32',
      withProperty({ messageExpiryInterval: 2 ** 32 }),
      'messageExpiryInterval is 4294967296',
    ],
    ['a message expiry of -1', withProperty({ messageExpiryInterval: -1 }), 'messageExpiryInterval is -1'],
    [
      'a message expiry that is no number',
      withProperty({ messageExpiryInterval: Number.NaN }),
      'messageExpiryInterval is NaN',
    ],
  ])('%s', (_what, encode, text) => {
    expect(encode).toThrow(RangeError)
    expect(encode).toThrow(text)
  })

  it('65,535 bytes and all of Unicode but surrogates it can', () => {
    const topic = `${'\u{1f600}'.repeat(16_383)}\ufeff`
    expect(encodePublish({ ...message, topic, payload: NO_BYTES }, 4)).toHaveLength(1 + 3 + 2 + 65_535 + 2)
  })

  it('properties are left out in 3.1.1, whatever they are', () => {
    const each: Properties = { receiveMaximum: 0, userProperties: { a: '\0' } }
    expect(encodePublish({ ...message, properties: each }, 4)).toEqual(encodePublish(message, 4))
    const changed = { ...connect, properties: each, will: { ...will, properties: each } }
    expect(encodeConnect(changed, 4)).toEqual(encodeConnect({ ...connect, will }, 4))
  })
})
