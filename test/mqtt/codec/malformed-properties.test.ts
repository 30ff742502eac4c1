import { hex, packet, properties, string } from './packet-bytes.ts'
import { MALFORMED, PROTOCOL_ERROR, type Rule, TOPIC_ALIAS_INVALID, testRules } from './rules.ts'

const topic = string('a/b')
const publish = (...each: string[]) => packet('30', topic, properties(...each), 'aa')
const suback = (...each: string[]) => packet('90', '0007', properties(...each), '01')
const connack = (...each: string[]) => packet('20', '0000', properties(...each))

/** The same wrong bytes wherever there is a string. */
function strings(clause: string, what: string, bytes: string): Rule[] {
  const length = hex(bytes).length + 1
  const bad = `${length.toString(16).padStart(4, '0')} 61 ${bytes}`
  const good = string('a'.repeat(length))
  const rule = (versions: Rule[0], where: string, frame: (text: string) => string): Rule => {
    return [versions, MALFORMED, clause, `${what} in ${where}`, frame(bad), frame(good)]
  }
  return [
    rule([4], 'a topic', (text) => packet('30', text, 'aa')),
    rule([5], 'a topic', (text) => packet('30', text, '00 aa')),
    rule([5], 'a content type', (text) => publish(`03 ${text}`)),
    rule([5], 'the name of a user property', (text) => publish(`26 ${text} ${string('v')}`)),
    rule([5], 'the value of a user property', (text) => publish(`26 ${string('n')} ${text}`)),
    rule([5], 'a reason string', (text) => packet('40', '0007 87', properties(`1f ${text}`))),
  ]
}

testRules('strings', [
  ...strings('MQTT-1.5.4-1', 'half a surrogate pair', 'eda080'),
  ...strings('MQTT-1.5.4-1', 'an overlong form', 'c0af'),
  ...strings('MQTT-1.5.4-1', 'a byte that begins nothing', 'ff'),
  ...strings('MQTT-1.5.4-1', 'a character that is cut off', 'e282'),
  ...strings('MQTT-1.5.4-1', 'a character beyond U+10FFFF', 'f4908080'),
  ...strings('MQTT-1.5.4-1', 'a wrong byte after many that are right', `${'61'.repeat(200)} ff`),
  ...strings('MQTT-1.5.4-2', 'U+0000', '00'),
  ...strings('MQTT-1.5.4-2', 'U+0000 behind a character that is not ASCII', 'c3bc 00'),
])

/** One after the other, as they may stand once. */
function twice(clause: string, place: (...each: string[]) => string, each: { [name: string]: string }): Rule[] {
  return Object.entries(each).map(([name, one]): Rule => {
    return [[5], PROTOCOL_ERROR, clause, `${name} twice`, place(one, one), place(one)]
  })
}

testRules('properties of a message', [
  [[5], MALFORMED, '2.2.2.2', 'an unknown property', publish('04 01'), publish('01 01')],
  [[5], MALFORMED, '2.2.2.2', 'a property with an identifier of two bytes', publish('8101 01'), publish('01 01')],
  [[5], MALFORMED, '2.2.2.2', 'a property of CONNECT', publish('17 01'), publish('01 01')],
  [[5], MALFORMED, '2.2.2.2', 'a property of CONNACK', publish('25 01'), publish('01 01')],
  [[5], MALFORMED, '2.2.2.2', 'a reason string', publish(`1f ${string('r')}`), publish(`03 ${string('r')}`)],
  [[5], MALFORMED, '2.1.4', 'no property length', packet('30', topic), packet('30', topic, '00')],
  [
    [5],
    MALFORMED,
    '2.2.2.1',
    'a length beyond the packet',
    packet('30', topic, '03 01 01'),
    packet('30', topic, '02 01 01'),
  ],
  [
    [5],
    MALFORMED,
    '2.1.4',
    'a value beyond that length',
    packet('30', topic, '01 01 01'),
    packet('30', topic, '02 01 01'),
  ],
  [
    [5],
    MALFORMED,
    '2.1.4',
    'a string beyond it',
    packet('30', topic, '04 03 0002 61 62'),
    packet('30', topic, '04 03 0001 61 62'),
  ],
  [
    [5],
    MALFORMED,
    'MQTT-1.5.5-1',
    'a length with a byte too many',
    packet('30', topic, '82 00 01 01'),
    publish('01 01'),
  ],
  [[5], MALFORMED, '1.5.5', 'a length of five bytes', packet('30', topic, '82 80 80 80 00 01 01'), publish('01 01')],
  [[5], PROTOCOL_ERROR, '3.3.2.3', 'the subscription identifier 0', publish('0b 00'), publish('0b 01')],
  [
    [5],
    MALFORMED,
    '1.5.5',
    'a subscription identifier of five bytes',
    publish('0b 80808080 01'),
    publish('0b 80808001'),
  ],
  [
    [5],
    MALFORMED,
    'MQTT-1.5.5-1',
    'a subscription identifier with a byte too many',
    publish('0b 8100'),
    publish('0b 8101'),
  ],
  [[5], TOPIC_ALIAS_INVALID, 'MQTT-3.1.2-30', 'a topic alias', publish('23 0001'), publish()],
  [[5], TOPIC_ALIAS_INVALID, 'MQTT-3.1.2-30', 'the topic alias 0', publish('23 0000'), publish()],
  [
    [5],
    TOPIC_ALIAS_INVALID,
    'MQTT-3.1.2-30',
    'a topic alias and no topic',
    packet('30', '0000', properties('23 0001')),
    publish(),
  ],
  ...twice('3.3.2.3', publish, {
    'the payload format': '01 01',
    'the message expiry': '02 0000000a',
    'the content type': `03 ${string('c')}`,
    'the response topic': `08 ${string('r')}`,
    'the correlation data': '09 0001 aa',
  }),
])

testRules('properties of acknowledgements', [
  [[5], MALFORMED, '2.2.2.2', 'a property of PUBLISH in SUBACK', suback('01 01'), suback()],
  [
    [5],
    MALFORMED,
    '2.2.2.2',
    'a property of CONNACK in PUBACK',
    packet('40', '0007 00', properties('25 01')),
    packet('40', '0007 00 00'),
  ],
  [
    [5],
    MALFORMED,
    '2.2.2.2',
    'a server reference in UNSUBACK',
    packet('b0', '0007', properties(`1c ${string('s')}`), '00'),
    packet('b0', '0007 00 00'),
  ],
  [
    [5],
    MALFORMED,
    '2.2.2.2',
    'a session expiry in DISCONNECT [MQTT-3.14.2-2]',
    packet('e0', '8e', properties('11 0000000a')),
    packet('e0', '8e 00'),
  ],
  ...twice('3.2.2.3', suback, { 'the reason string': `1f ${string('r')}` }),
])

const flags = { 'maximum QoS': '24', 'retain available': '25', wildcards: '28', identifiers: '29', sharing: '2a' }

testRules(
  'properties of CONNACK',
  [
    [[5], MALFORMED, '2.2.2.2', 'a property of PUBLISH', connack('01 01'), connack('25 01')],
    [[5], MALFORMED, '2.2.2.2', 'a topic alias', connack('23 0001'), connack('22 0001')],
    [[5], PROTOCOL_ERROR, 'MQTT-4.12.0-6', 'an authentication method', connack(`15 ${string('SCRAM')}`), connack()],
    [[5], PROTOCOL_ERROR, '3.2.2.3', 'the receive maximum 0', connack('21 0000'), connack('21 0001')],
    [[5], PROTOCOL_ERROR, '3.2.2.3', 'the maximum packet size 0', connack('27 00000000'), connack('27 00000001')],
    ...Object.entries(flags).map(([name, id]): Rule => {
      return [[5], PROTOCOL_ERROR, '3.2.2.3', `2 for ${name}`, connack(`${id} 02`), connack(`${id} 01`)]
    }),
    ...twice('3.2.2.3', connack, {
      'the session expiry': '11 0000000a',
      'the assigned client identifier': `12 ${string('c')}`,
      'the server keep alive': '13 003c',
      'the authentication data': '16 0001 aa',
      'the response information': `1a ${string('i')}`,
      'the server reference': `1c ${string('s')}`,
      'the reason string': `1f ${string('r')}`,
      'the receive maximum': '21 0014',
      'the topic alias maximum': '22 0000',
      'the maximum packet size': '27 00100000',
      ...Object.fromEntries(Object.entries(flags).map(([name, id]) => [name, `${id} 00`])),
    }),
  ],
  'first',
)
