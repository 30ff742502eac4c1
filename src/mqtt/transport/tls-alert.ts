import type { Meaning } from './transport.ts'

/** The two have no version of TLS in common. */
export const OLD_VERSION: Meaning = {
  what: 'it has no version of TLS in common with this machine (it may know TLS 1.1 at most)',
  advice: 'Update the broker, or allow TLS 1.2 there.',
}

const CHECK = 'Check tls.cert and tls.key: has it been signed for this broker?'
const PASS = 'pass one as tls.cert and tls.key (PEM)'

/** Alerts of which OpenSSL's texts may have the name alone (RFC 8446, 6.2), as in ERR_SSL_TLSV1_ALERT_UNKNOWN_CA. */
const NAMES: readonly [name: RegExp, alert: number][] = [
  [/alert.handshake.failure/i, 40],
  [/alert.certificate.revoked/i, 44],
  [/alert.certificate.expired/i, 45],
  [/alert.unknown.ca/i, 48],
  [/alert.protocol.version/i, 70],
  [/alert.insufficient.security/i, 71],
  [/unrecognized.name/i, 112],
  [/alert.certificate.required/i, 116],
  [/alert.(bad|unsupported|no).certificate|alert.certificate.unknown/i, 42],
  [/alert/i, 0],
]

/** The alert that an error of OpenSSL's tells of; 0: one that is not known; undefined: none. */
export function alertIn(text: string): number | undefined {
  const number = /alert number (\d+)/.exec(text)?.[1]
  return number === undefined ? NAMES.find(([name]) => name.test(text))?.[1] : Number(number)
}

/**
 * What the broker says by an alert, with which it ends a TLS handshake (RFC 8446, 6.2).
 *
 * @param hasCertificate whether this client has a certificate
 * @param host the name that was asked for
 */
export function alertMeaning(alert: number, hasCertificate: boolean, host: string): Meaning {
  switch (alert) {
    // What OpenSSL says in TLS 1.2 where it got no client certificate, too.
    case 40:
      return {
        what: `it ended the TLS handshake without saying why (${alert}, handshake failure)`,
        advice: hasCertificate
          ? `Either it does not accept this client certificate, or the two have no cipher in common. ${CHECK}`
          : `Mostly it wants a client certificate: ${PASS}. Else the two have no cipher in common; its log may say more.`,
      }
    case 44:
      return { what: 'it says that this client certificate has been revoked', advice: 'Have a new one made.' }
    case 45:
      return {
        what: 'it says that this client certificate has expired',
        advice: 'Have it renewed; or is the clock of the broker wrong?',
      }
    case 48:
      return {
        what: 'it does not know the authority that signed this client certificate',
        advice: 'Give it that authority (Mosquitto: cafile), or use a certificate that its own has signed.',
      }
    case 70:
      return OLD_VERSION
    case 71:
      return { what: 'it wants a stronger cipher than this machine offers', advice: 'Allow others at the broker.' }
    case 112:
      return {
        what: `it does not answer to the name ${host}`,
        advice: 'Use its own name in the url, or set tls.servername to it.',
      }
    case 41:
    case 42:
    case 43:
    case 46:
    case 49:
    case 51:
    case 116:
      return hasCertificate
        ? { what: 'it does not accept this client certificate', advice: CHECK }
        : { what: 'it wants a client certificate', advice: `P${PASS.slice(1)}.` }
    default:
      return { what: `it ended the TLS handshake with the alert ${alert}`, advice: 'Its log may say why.' }
  }
}
