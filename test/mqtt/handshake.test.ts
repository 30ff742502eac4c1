import { describe, expect, test } from 'vitest'
import { MalformedPacket } from '../../src/mqtt/codec/malformed-packet.ts'
import type { ConnectionFailure } from '../../src/mqtt/failure.ts'
import { firstHandshake, forget, type Handshake, learn, nextHandshake } from '../../src/mqtt/handshake.ts'

const first: Handshake = { protocolVersion: 5, isPipelined: true }

const closed: ConnectionFailure = { kind: 'closed' }
// A broker that closes before it has read all that was sent resets the connection (RFC 1122, 4.2.2.13).
const reset: ConnectionFailure = { kind: 'network', error: new Error('no'), errorCode: 'ECONNRESET' }

/** All that is tried where a broker does the same each time. */
function tries(failure: ConnectionFailure, allowed: 'auto' | 4 | 5): string[] {
  const all: string[] = []
  for (let next: Handshake | undefined = firstHandshake(allowed, 'nowhere'); next !== undefined; ) {
    all.push(`${next.protocolVersion}${next.isPipelined ? '' : ' waiting'}`)
    next = nextHandshake(failure, next, allowed)
  }
  return all
}

describe('before CONNACK', () => {
  test.each([
    ['closes', closed],
    ['resets', reset],
  ])('a broker that %s is spoken to by MQTT 3.1.1, and then step by step', (_, failure) => {
    expect(tries(failure, 'auto')).toEqual(['5', '4', '5 waiting', '4 waiting'])
    expect(tries(failure, 5)).toEqual(['5', '5 waiting'])
    expect(tries(failure, 4)).toEqual(['4', '4 waiting'])
  })

  test.each([0x01, 0x84])('one that says by CONNACK 0x%s that it does not know MQTT 5 is not asked twice', (code) => {
    expect(tries({ kind: 'refused', code }, 'auto')).toEqual(['5', '4'])
    expect(tries({ kind: 'refused', code }, 5)).toEqual(['5'])
  })

  const final: [string, ConnectionFailure][] = [
    ['the password is wrong', { kind: 'refused', code: 0x86 }],
    ['the user is not authorized', { kind: 'refused', code: 0x87 }],
    ['nothing listens', { kind: 'network', error: new Error('no'), errorCode: 'ECONNREFUSED' }],
    ['a web server answers', { kind: 'garbage', error: new MalformedPacket(0x81, 'no'), start: new Uint8Array() }],
    ['a certificate is none', { kind: 'settings', error: new Error('no') }],
    ['this side lets go', { kind: 'ended' }],
  ]
  test.each(final)('nothing else is tried where %s', (_, failure) => {
    expect(tries(failure, 'auto')).toEqual(['5'])
  })
})

test('what worked at an address comes first there, but for a version that an option forbids', () => {
  learn('mqtt://old:1883', { protocolVersion: 4, isPipelined: false })
  expect(firstHandshake('auto', 'mqtt://old:1883')).toEqual({ protocolVersion: 4, isPipelined: false })
  expect(firstHandshake(5, 'mqtt://old:1883')).toEqual({ protocolVersion: 5, isPipelined: false })
  expect(firstHandshake('auto', 'mqtt://other:1883')).toEqual(first)
  // It may have been restarted.
  forget('mqtt://old:1883', { kind: 'network', error: new Error('no'), errorCode: 'ECONNREFUSED' })
  forget('mqtt://old:1883', { kind: 'silent' })
  expect(firstHandshake('auto', 'mqtt://old:1883')).toEqual({ protocolVersion: 4, isPipelined: false })
  forget('mqtt://old:1883', closed)
  expect(firstHandshake('auto', 'mqtt://old:1883')).toEqual(first)
})
