import type { ConnectionFailure } from './failure.ts'

/**
 * Reason codes with which a broker says "not now" (MQTT 5, 3.2.2.2 and 3.14.2.1; 0x03 is that of 3.1.1): unavailable,
 * busy, shutting down, timed out, taken over, ended by somebody, elsewhere for a while, too many at once.
 */
const NOT_NOW = [0x03, 0x88, 0x89, 0x8b, 0x8d, 0x8e, 0x98, 0x9c, 0x9f]

/**
 * Can the same attempt succeed later, or at another node of a cluster? Not where somebody has to change something
 * first: a password, a certificate, an option.
 */
export function mayHeal(failure: ConnectionFailure): boolean {
  switch (failure.kind) {
    case 'refused':
    case 'disconnect':
      return NOT_NOW.includes(failure.code)
    case 'network':
      return isOfTheNetwork(failure.errorCode)
    // What forwards ports (that of containers, for example) takes connections before its broker is up, and closes them.
    case 'closed':
    case 'silent':
      return true
    case 'garbage':
    case 'malformed':
    case 'settings':
    case 'ended':
      return false
  }
}

/** Of the operating system, and not of TLS. A machine without a battery has a wrong clock until the network is there. */
function isOfTheNetwork(errorCode: string | undefined): boolean {
  // A WebSocket does not say why.
  if (errorCode === undefined || errorCode === 'CERT_NOT_YET_VALID') return true
  return /^E(AI_)?[A-Z0-9]+$/.test(errorCode) && errorCode !== 'EPROTO'
}
