import { codeOf, reasonOf } from '../../runtime/errors.ts'
import { alertIn, alertMeaning, OLD_VERSION } from './tls-alert.ts'
import type { Meaning, TransportSettings } from './transport.ts'

const CA = { advice: 'Pass the certificate of the authority that signed it as tls.ca (PEM).' }

/** Node's and OpenSSL's codes where this side does not accept the broker's certificate. */
const CERTIFICATE_ERRORS: { readonly [code: string]: Meaning } = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { what: 'nobody that this machine trusts has signed its certificate', ...CA },
  UNABLE_TO_GET_ISSUER_CERT: { what: 'the authority that signed its certificate is not known here', ...CA },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { what: 'the authority that signed its certificate is not known here', ...CA },
  SELF_SIGNED_CERT_IN_CHAIN: { what: 'its certificate is signed by a private authority', ...CA },
  DEPTH_ZERO_SELF_SIGNED_CERT: { what: 'its certificate is signed by itself', ...CA },
  CERT_SIGNATURE_FAILURE: { what: 'its certificate is not signed by the authority it names', ...CA },
  CERT_HAS_EXPIRED: { what: 'its certificate has expired', advice: 'Have it renewed; or is the clock here wrong?' },
  CERT_NOT_YET_VALID: { what: 'its certificate is not valid yet', advice: 'Is the clock of this machine right?' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: 'its certificate is made out to another host name',
    advice: 'Use that name in the url, or set tls.servername to it.',
  },
}

/** OpenSSL's words where what came is no TLS record at all. */
const NO_TLS = /wrong.version.number|packet.length.too.long|http.request|record.layer.failure/i

/** What an error of Node's or OpenSSL's means; undefined where its own text has to do. */
export function meaningOf(error: unknown, { endpoint, tls }: TransportSettings): Meaning | undefined {
  const { host, port, protocol } = endpoint
  const code = codeOf(error) ?? ''
  const known = CERTIFICATE_ERRORS[code]
  if (known !== undefined) return known
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { what: `there is no host ${host}`, advice: 'Check the host name in option url, and the network.' }
    case 'ECONNREFUSED':
      return { what: `nothing listens on port ${port} of ${host}`, advice: 'Start the broker, or correct option url.' }
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { what: `${host} cannot be reached`, advice: 'Check the network, a firewall, and option url.' }
  }
  if (code !== 'EPROTO' && !code.startsWith('ERR_SSL_')) return undefined
  const text = `${code} ${reasonOf(error)}`
  const alert = alertIn(text)
  if (alert !== undefined) return alertMeaning(alert, tls?.cert !== undefined, tls?.servername ?? host)
  if (NO_TLS.test(text)) {
    return {
      what: 'what answers there does not speak TLS',
      advice: `Use the port that the broker has for TLS, or ${protocol === 'wss' ? 'ws' : 'mqtt'}: in option url.`,
    }
  }
  if (/unsupported.protocol/i.test(text)) return OLD_VERSION
  return {
    what: `the two could not agree on TLS (${(error as { reason?: string }).reason ?? reasonOf(error)})`,
    advice: 'The log of the broker may say why.',
  }
}
