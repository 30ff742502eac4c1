import { CONNACK, packet, properties, string } from './packet-bytes.ts'
import { BOTH, MALFORMED, PROTOCOL_ERROR, type Rule, testRules } from './rules.ts'

const topic = string('a/b')
const reason = properties(`1f ${string('why')}`)

/** Each of the four bits that a packet other than PUBLISH does not have (Table 2-2). */
function flags(versions: Rule[0], name: string, type: string, body: string): Rule[] {
  return ['1', '2', '4', '8'].map((bit): Rule => {
    const [wrong, right] = [packet(type + bit, body), packet(`${type}0`, body)]
    return [versions, MALFORMED, 'MQTT-2.1.3-1', `${name} with the flag ${bit}`, wrong, right]
  })
}

testRules('fixed headers', [
  [BOTH, MALFORMED, '2.1.2', 'a packet of the type 0', '00 00'],
  [[4], MALFORMED, '2.1.2', 'a packet of the type 15', 'f0 00'],
  ...flags(BOTH, 'PUBACK', '4', '0007'),
  ...flags(BOTH, 'SUBACK', '9', '0007 00 01'),
  ...flags([5], 'UNSUBACK', 'b', '0007 00 00'),
  ...flags([4], 'UNSUBACK', 'b', '0007'),
  ...flags(BOTH, 'PINGRESP', 'd', ''),
  ...flags([5], 'DISCONNECT', 'e', '00'),
  [BOTH, MALFORMED, '2.1.4', 'a Remaining Length of five bytes', '90 84 80 80 80 00 0007 00 01', '90 04 0007 00 01'],
  [[5], MALFORMED, 'MQTT-1.5.5-1', 'a Remaining Length with a byte too many', '40 82 00 0007', '40 02 0007'],
  [BOTH, MALFORMED, '2.1.4', 'PINGRESP with a body', 'd0 01 00', 'd0 00'],
  [[4], MALFORMED, '2.1.4', 'PUBACK of three bytes', '40 03 0007 00', '40 02 0007'],
  [[4], MALFORMED, '2.1.4', 'UNSUBACK of three bytes', 'b0 03 0007 00', 'b0 02 0007'],
])

testRules('packets that a server never sends to this client', [
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'CONNECT', packet('10', string('MQTT'), '04 02 0000', string('c'))],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'PUBREC', packet('50', '0007')],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'PUBREL', packet('62', '0007')],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'PUBCOMP', packet('70', '0007')],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'SUBSCRIBE', packet('82', '0007', topic, '00')],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'UNSUBSCRIBE', packet('a2', '0007', topic)],
  [BOTH, PROTOCOL_ERROR, '2.1.2', 'PINGREQ', 'c0 00'],
  [[4], PROTOCOL_ERROR, '2.1.2', 'DISCONNECT', 'e0 00'],
  [[5], PROTOCOL_ERROR, 'MQTT-4.12.0-6', 'AUTH', packet('f0', '18', properties(`15 ${string('SCRAM')}`))],
])

testRules('the order of packets', [
  [BOTH, PROTOCOL_ERROR, 'MQTT-3.2.0-2', 'a second CONNACK', '20 02 0000'],
  [[5], PROTOCOL_ERROR, 'MQTT-3.14.4-1', 'a packet after DISCONNECT', 'e0 00 d0 00', 'e0 00'],
])

testRules(
  'what comes first',
  [
    [[4], PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'PUBLISH', packet('30', topic), CONNACK[4]],
    [[5], PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'PUBLISH', packet('30', topic, '00'), CONNACK[5]],
    [BOTH, PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'PUBACK', packet('40', '0007')],
    [BOTH, PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'SUBACK', packet('90', '0007 00 01')],
    [BOTH, PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'PINGRESP', 'd0 00'],
    [[5], PROTOCOL_ERROR, 'MQTT-3.2.0-1', 'DISCONNECT [MQTT-3.14.0-1]', packet('e0', '8b')],
    [[5], PROTOCOL_ERROR, 'MQTT-4.12.0-6', 'AUTH', packet('f0', '18', properties(`15 ${string('SCRAM')}`))],
    [BOTH, PROTOCOL_ERROR, 'MQTT-3.2.2-7', 'a packet after a refusal', '20 02 0005 d0 00', '20 02 0005'],
    ...flags([4], 'CONNACK', '2', '0000'),
    ...flags([5], 'CONNACK', '2', '0000 00'),
    [[4], MALFORMED, 'MQTT-3.2.2-1', 'CONNACK with the flag 2', '20 02 02 00', '20 02 00 00'],
    [[5], MALFORMED, 'MQTT-3.2.2-1', 'CONNACK with the flag 80', '20 03 80 00 00', '20 03 00 00 00'],
    [[4], PROTOCOL_ERROR, 'MQTT-3.2.2-2', 'CONNACK with a session after Clean Start', '20 02 01 00', '20 02 00 00'],
    [[5], PROTOCOL_ERROR, 'MQTT-3.2.2-2', 'CONNACK with a session after Clean Start', '20 03 0100 00', '20 03 0000 00'],
    [[4], PROTOCOL_ERROR, 'MQTT-3.2.2-6', 'CONNACK with a session and a refusal', '20 02 01 05', '20 02 00 05'],
    [[5], PROTOCOL_ERROR, 'MQTT-3.2.2-6', 'CONNACK with a session and a refusal', '20 03 0187 00', '20 03 0087 00'],
    [[5], MALFORMED, '2.1.4', 'CONNACK with success and no properties', '20 02 00 00', '20 03 00 00 00'],
    [[5], MALFORMED, '2.1.4', 'CONNACK with a byte after its properties', '20 04 0000 00 00', '20 03 0000 00'],
    [BOTH, MALFORMED, '2.1.4', 'CONNACK of one byte', '20 01 00'],
    [BOTH, MALFORMED, '2.1.4', 'CONNACK of no byte', '20 00'],
    [[4], MALFORMED, '2.1.4', 'CONNACK of three bytes', '20 03 00 00 00', '20 02 00 00'],
  ],
  'first',
)

/** PUBLISH in both versions, which differ by the length of its properties. */
function publish(code: number, clause: string, what: string, wrong: [string, string], right: [string, string]): Rule[] {
  return BOTH.map((version): Rule => {
    const none = version === 4 ? '' : '00'
    return [[version], code, clause, what, packet(...wrong, none), packet(...right, none)]
  })
}

const noId: [string, string] = ['30', topic]
const withId: [string, string] = ['32', `${topic} 0007`]

testRules('messages', [
  ...publish(MALFORMED, 'MQTT-3.3.1-4', 'both bits of QoS', ['36', `${topic} 0007`], withId),
  ...publish(PROTOCOL_ERROR, 'MQTT-3.8.4-8', 'QoS 2, which was not asked for', ['34', `${topic} 0007`], withId),
  ...publish(PROTOCOL_ERROR, 'MQTT-3.3.1-2', 'DUP at QoS 0', ['38', topic], noId),
  ...publish(PROTOCOL_ERROR, 'MQTT-2.2.1-4', 'the packet identifier 0', ['32', `${topic} 0000`], withId),
  ...publish(PROTOCOL_ERROR, 'MQTT-4.7.3-1', 'an empty topic', ['30', string('')], noId),
  ...publish(PROTOCOL_ERROR, 'MQTT-3.3.2-2', 'the topic +', ['30', string('+')], noId),
  ...publish(PROTOCOL_ERROR, 'MQTT-3.3.2-2', 'the topic a/#', ['30', string('a/#')], noId),
  [BOTH, MALFORMED, '2.1.4', 'PUBLISH of no byte', '30 00'],
  [BOTH, MALFORMED, '2.1.4', 'PUBLISH that ends within the length of its topic', '30 01 00'],
  [BOTH, MALFORMED, '2.1.4', 'PUBLISH that ends within its topic', packet('30', '0004 612f62')],
  [BOTH, MALFORMED, '2.1.4', 'PUBLISH that ends within its packet identifier', packet('32', topic, '00')],
])

testRules('acknowledgements', [
  [BOTH, PROTOCOL_ERROR, 'MQTT-2.2.1-4', 'PUBACK of the packet 0', '40 02 0000', '40 02 0007'],
  [BOTH, PROTOCOL_ERROR, 'MQTT-2.2.1-4', 'SUBACK of the packet 0', '90 04 0000 00 01', '90 04 0007 00 01'],
  [[4], PROTOCOL_ERROR, 'MQTT-2.2.1-4', 'UNSUBACK of the packet 0', 'b0 02 0000', 'b0 02 0007'],
  [[5], PROTOCOL_ERROR, 'MQTT-2.2.1-4', 'UNSUBACK of the packet 0', 'b0 04 0000 00 11', 'b0 04 0007 00 11'],
  [BOTH, MALFORMED, '2.1.4', 'PUBACK of no byte', '40 00', '40 02 0007'],
  [BOTH, MALFORMED, '2.1.4', 'PUBACK of one byte', '40 01 07', '40 02 0007'],
  [BOTH, MALFORMED, '2.1.4', 'SUBACK of no byte', '90 00'],
  [[5], MALFORMED, '2.1.4', 'SUBACK without properties', '90 02 0007'],
  [[5], MALFORMED, '2.1.4', 'UNSUBACK without properties', 'b0 02 0007'],
  [[4], PROTOCOL_ERROR, 'MQTT-3.8.4-6', 'SUBACK without a return code', '90 02 0007', '90 03 0007 80'],
  [[5], PROTOCOL_ERROR, 'MQTT-3.8.4-6', 'SUBACK without a reason code', '90 03 0007 00', '90 04 0007 00 80'],
  [[5], PROTOCOL_ERROR, 'MQTT-3.11.3-2', 'UNSUBACK without a reason code', 'b0 03 0007 00', 'b0 04 0007 00 11'],
  [[5], MALFORMED, '2.1.4', 'PUBACK with a byte after its properties', '40 05 0007 10 00 00', '40 04 0007 10 00'],
  [
    [5],
    MALFORMED,
    '2.1.4',
    'PUBACK with a byte after a reason',
    packet('40', '0007 87', reason, '00'),
    packet('40', '0007 87', reason),
  ],
  [[5], MALFORMED, '2.1.4', 'DISCONNECT with a byte after its properties', 'e0 03 8e 00 00', 'e0 02 8e 00'],
])
