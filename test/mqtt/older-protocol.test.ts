import { describe, expect, test } from 'vitest'
import type { ConnectionFailure } from '../../src/mqtt/failure.ts'
import { firstProtocol, olderProtocol } from '../../src/mqtt/older-protocol.ts'

test('MQTT 5 is spoken first, unless an option says otherwise', () => {
  expect((['auto', 4, 5] as const).map(firstProtocol)).toEqual([5, 4, 5])
})

describe('after a failure of MQTT 5 that CONNACK did not precede', () => {
  const older: [string, ConnectionFailure][] = [
    ['the broker closes', { kind: 'closed' }],
    ['CONNACK has code 1, of MQTT 3.1.1', { kind: 'refused', code: 0x01 }],
    ['CONNACK has reason code 0x84, of MQTT 5', { kind: 'refused', code: 0x84 }],
  ]
  test.each(older)('MQTT 3.1.1 is tried where %s', (_, failure) => {
    expect(olderProtocol(failure, 5, 'auto')).toBe(4)
    expect(olderProtocol(failure, 4, 'auto')).toBeUndefined()
    expect(olderProtocol(failure, 5, 5)).toBeUndefined()
    expect(olderProtocol(failure, 4, 4)).toBeUndefined()
  })

  const final: [string, ConnectionFailure][] = [
    ['the password is wrong', { kind: 'refused', code: 0x86 }],
    ['the user is not authorized', { kind: 'refused', code: 0x87 }],
    ['nothing listens', { kind: 'network', error: new Error('no'), errorCode: 'ECONNREFUSED' }],
    ['the connection is reset', { kind: 'network', error: new Error('no'), errorCode: 'ECONNRESET' }],
    ['a web server answers', { kind: 'garbage', error: new Error('no'), start: 'HTTP/1.1' }],
    ['a certificate is none', { kind: 'settings', error: new Error('no') }],
    ['this side lets go', { kind: 'ended' }],
  ]
  test.each(final)('nothing else is tried where %s', (_, failure) => {
    expect(olderProtocol(failure, 5, 'auto')).toBeUndefined()
  })
})
