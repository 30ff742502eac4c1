import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bitString, boolean, encoded, integer, objectId, octetString, sequence, set, text, time } from './der.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A certificate and its key, as PEM texts and as files that hold them. */
export interface Certificate {
  cert: string
  key: string
  certFile: string
  keyFile: string
}

/** A private authority, and what it has signed. */
export interface Certificates {
  ca: string
  caFile: string
  /** For `localhost`, 127.0.0.1 and ::1. */
  server: Certificate
  client: Certificate
}

export interface CertificateOptions {
  /** What the server's certificate is made out to. @default localhost, 127.0.0.1, ::1 */
  serverNames?: string[]
  /** Makes the server's certificate one that ended yesterday. */
  expired?: boolean
}

const DAY_MS = 86_400_000
const SHA256_WITH_ECDSA = sequence(objectId('1.2.840.10045.4.3.2'))

/** Makes an authority, a server and a client certificate with `node:crypto` alone: no openssl command is needed. */
export function makeCertificates(options: CertificateOptions = {}): Certificates {
  const directory = temporaryDirectory()
  const serverNames = options.serverNames ?? ['localhost', '127.0.0.1', '::1']
  const authority = { name: `Test authority ${randomBytes(4).toString('hex')}`, ...keys() }
  const make = (name: string, extensions: Buffer[], end: Date): Certificate => {
    const own = name === authority.name ? authority : { name, ...keys() }
    const cert = certificate(own, authority, extensions, end)
    const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const file = join(directory, name.replaceAll(/\W/g, '-'))
    writeFileSync(`${file}.crt`, cert)
    writeFileSync(`${file}.key`, key, { mode: 0o600 })
    return { cert, key, certFile: `${file}.crt`, keyFile: `${file}.key` }
  }
  const tomorrow = new Date(Date.now() + DAY_MS)
  const yesterday = new Date(Date.now() - DAY_MS)
  const ca = make(authority.name, [isAuthority()], tomorrow)
  return {
    ca: ca.cert,
    caFile: ca.certFile,
    server: make('server', [alternativeNames(serverNames)], options.expired ? yesterday : tomorrow),
    client: make('client', [], tomorrow),
  }
}

interface Party {
  name: string
  publicKey: KeyObject
  privateKey: KeyObject
}

function keys(): Omit<Party, 'name'> {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

// Certificate and TBSCertificate of RFC 5280, section 4.1.
function certificate(subject: Party, issuer: Party, extensions: Buffer[], end: Date): string {
  const signed = sequence(
    encoded(0xa0, integer(Buffer.from([2]))),
    // Positive and without a leading zero byte, as DER wants a number: hence the 0x40.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(8)])),
    SHA256_WITH_ECDSA,
    commonName(issuer.name),
    sequence(time(new Date(end.getTime() - 10 * DAY_MS)), time(end)),
    commonName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [encoded(0xa3, sequence(...extensions))] : []),
  )
  const signature = sign('sha256', signed, createPrivateKey(issuer.privateKey.export({ type: 'pkcs8', format: 'pem' })))
  const base64 = sequence(signed, SHA256_WITH_ECDSA, bitString(signature)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), text(name))))
}

function isAuthority(): Buffer {
  return sequence(objectId('2.5.29.19'), boolean(true), octetString(sequence(boolean(true))))
}

function alternativeNames(names: string[]): Buffer {
  const entries = names.map((name) => {
    if (name === '::1') return encoded(0x87, Buffer.from([...Array(15).fill(0), 1]))
    if (/^[\d.]+$/.test(name)) return encoded(0x87, Buffer.from(name.split('.').map(Number)))
    return encoded(0x82, Buffer.from(name, 'latin1'))
  })
  return sequence(objectId('2.5.29.17'), octetString(sequence(...entries)))
}
