import { describe, expect, test } from 'vitest'
import { MalformedPacket } from '../../src/mqtt/codec/malformed-packet.ts'
import type { ConnectionFailure } from '../../src/mqtt/failure.ts'
import { mayHeal } from '../../src/mqtt/may-heal.ts'

const error = new Error('no')
const network = (errorCode: string | undefined): ConnectionFailure => ({ kind: 'network', error, errorCode })
const refused = (code: number): ConnectionFailure => ({ kind: 'refused', code })

const healing: readonly [string, ConnectionFailure][] = [
  ['nothing listens', network('ECONNREFUSED')],
  ['the name is missing', network('ENOTFOUND')],
  ['no name server answers', network('EAI_AGAIN')],
  ['the host is away', network('EHOSTUNREACH')],
  ['the network is down', network('ENETUNREACH')],
  ['nobody answers', network('ETIMEDOUT')],
  ['the other side resets', network('ECONNRESET')],
  ['the other side was gone', network('EPIPE')],
  ['a WebSocket does not say why', network(undefined)],
  ['the clock here is behind', network('CERT_NOT_YET_VALID')],
  ['the other side closes', { kind: 'closed' }],
  ['the other side is silent', { kind: 'silent' }],
  ['unavailable (3.1.1)', refused(0x03)],
  ['unavailable', refused(0x88)],
  ['busy', refused(0x89)],
  ['shutting down', { kind: 'disconnect', code: 0x8b }],
  ['another client has the same client id', { kind: 'disconnect', code: 0x8e }],
  ['too many connections at once', refused(0x9f)],
]

const final: readonly [string, ConnectionFailure][] = [
  ['the protocol is unknown', refused(0x84)],
  ['the client id is not taken (3.1.1)', refused(0x02)],
  ['the client id is not taken', refused(0x85)],
  ['the password is wrong (3.1.1)', refused(0x04)],
  ['the password is wrong', refused(0x86)],
  ['not authorized (3.1.1)', refused(0x05)],
  ['not authorized', refused(0x87)],
  ['banned', refused(0x8a)],
  ['the certificate has expired', network('CERT_HAS_EXPIRED')],
  ['nobody knows who signed it', network('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  ['it signed itself', network('DEPTH_ZERO_SELF_SIGNED_CERT')],
  ['it is for another host', network('ERR_TLS_CERT_ALTNAME_INVALID')],
  ['it wants a certificate', network('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
  ['it speaks no TLS', network('EPROTO')],
  ['it is no broker', { kind: 'garbage', error: new MalformedPacket(0x81, 'no'), start: new Uint8Array() }],
  ['what it sends is no MQTT', { kind: 'malformed', error: new MalformedPacket(0x81, 'no') }],
  ['tls.ca is no certificate', { kind: 'settings', error }],
  ['this side lets go', { kind: 'ended' }],
]

describe('another attempt', () => {
  test.each(healing)('may help where %s', (_, failure) => {
    expect(mayHeal(failure)).toBe(true)
  })

  test.each(final)('does not help where %s', (_, failure) => {
    expect(mayHeal(failure)).toBe(false)
  })
})
