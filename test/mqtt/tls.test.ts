import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, type TlsOptions as TlsServerOptions } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openBackend, openingError } from '../backends/mqtt/fixture.ts'
import { mosquittoAvailable } from '../helpers/available.ts'
import { type CertificateOptions, makeCertificates } from '../helpers/certificates.ts'
import { startMosquitto } from '../helpers/mosquitto.ts'

async function secured(certificates: CertificateOptions = {}, requireCertificate = false) {
  const made = makeCertificates(certificates)
  const broker = await startMosquitto({ certificates: made, requireCertificate, webSocket: true })
  onTestFinished(() => broker.stop())
  return { made, urls: [broker.url, broker.webSocketUrl ?? ''] }
}

describe.skipIf(!mosquittoAvailable)('mqtts: and wss:', () => {
  test('a certificate of a private authority is refused until the authority is given', async () => {
    const { made, urls } = await secured()
    for (const url of urls) {
      const { write } = await openBackend({ url, tls: { ca: made.ca } })
      expect(await write('{"a":1}')).toBe('written')
      await openBackend({ url, tls: { ca: [made.ca] } })
      await openBackend({ url, tls: { rejectUnauthorized: false } })
      expect(await openingError({ url })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
        message: expect.stringMatching(/certificate.*tls\.ca/),
      })
      const other = makeCertificates().ca
      expect(await openingError({ url, tls: { ca: other } })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
        message: expect.stringContaining('tls.ca'),
      })
    }
  })

  test('a certificate must be for the host, and must not have ended', async () => {
    const named = await secured({ serverNames: ['broker.example'] })
    for (const url of named.urls) {
      const tls = { ca: named.made.ca }
      expect(await openingError({ url, tls })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
        received: 'ERR_TLS_CERT_ALTNAME_INVALID',
        message: expect.stringContaining('tls.servername'),
      })
      await openBackend({ url, tls: { ...tls, servername: 'broker.example' } })
    }
    const expired = await secured({ expired: true })
    expect(await openingError({ url: expired.urls[0] ?? '', tls: { ca: expired.made.ca } })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringContaining('expired'),
    })
  })

  test('a broker that wants a client certificate lets nobody in without it', async () => {
    const { made, urls } = await secured({}, true)
    const { ca, client } = made
    for (const url of urls) {
      const { write } = await openBackend({ url, tls: { ca, cert: client.cert, key: client.key } })
      expect(await write('{"a":1}')).toBe('written')
      expect(await openingError({ url, tls: { ca } })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
        message: expect.stringMatching(/tls\.cert and tls\.key/),
      })
      const foreign = makeCertificates().client
      expect(await openingError({ url, tls: { ca, cert: foreign.cert, key: foreign.key } })).toMatchObject({
        code: 'ERR_PERSIST_CONNECT',
      })
    }
    expect(await openingError({ url: urls[0] ?? '', tls: { ca, cert: 'no PEM', key: client.key } })).toMatchObject({
      code: 'ERR_PERSIST_OPTION',
      message: expect.stringContaining('tls.cert'),
    })
  })

  test('a handshake that fails says why', async () => {
    const { ca, server } = makeCertificates()
    const other = makeCertificates()
    const own = { key: server.key, cert: server.cert }
    const wants = { ...own, ca, requestCert: true, rejectUnauthorized: true }
    const cases: [says: RegExp, options: TlsServerOptions, tls?: object][] = [
      [/mostly it wants a client certificate/i, { ...wants, maxVersion: 'TLSv1.2' }],
      [/it wants a client certificate/, wants],
      [
        /no version of TLS in common/,
        { ...own, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      ],
      [/no cipher in common/, { ...own, maxVersion: 'TLSv1.2', ciphers: 'ADH-AES128-SHA256:@SECLEVEL=0' }],
      [/made out to another host name/, own, { servername: 'broker.example' }],
      [/authority that signed its certificate|private authority|trusts has signed/, own, { ca: other.ca }],
    ]
    for (const [says, options, tls] of cases) {
      const listening = createTlsServer(options).on('tlsClientError', () => {})
      onTestFinished(() => void listening.close())
      await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
      const { port } = listening.address() as AddressInfo
      const { code, message } = await openingError({ url: `mqtts://127.0.0.1:${port}`, tls: { ca, ...tls } })
      expect([code, message]).toEqual(['ERR_PERSIST_CONNECT', expect.stringMatching(says)])
      expect(message).not.toMatch(/does not speak TLS|or mqtt:/)
    }
  })

  test('TLS where there is none, and none where there is TLS, are errors', async () => {
    const plain = await startMosquitto()
    onTestFinished(() => plain.stop())
    expect(await openingError({ url: plain.url.replace('mqtt:', 'mqtts:') }, 3000)).toMatchObject({
      code: expect.stringMatching(/^ERR_PERSIST_(CONNECT|TIMEOUT)$/),
    })
    const { urls } = await secured()
    expect(await openingError({ url: (urls[0] ?? '').replace('mqtts:', 'mqtt:') })).toMatchObject({
      code: 'ERR_PERSIST_CONNECT',
      message: expect.stringContaining('mqtts:'),
    })
  })
})
