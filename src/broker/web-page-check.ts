import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { hostNameOf, isOwnName } from '../node/host-name.ts'
import { PersistError } from '../runtime/errors.ts'

/** Which web pages may use the broker's WebSocket, beside those of this machine. */
export interface WebPageRules {
  /** Origins of pages (RFC 6454): `https://home.example`. */
  readonly origins: readonly string[]
  /** Names by which the broker may be called, beside addresses and localhost. */
  readonly hosts: readonly string[]
}

/**
 * Why a request for a WebSocket is refused; undefined: it is not.
 *
 * A browser lets every page open a WebSocket to every address, and tells the server only whose page it is (RFC 6455,
 * 10.2). Pages may connect that come from this machine, or from the host that the broker is called by. Programs send
 * no origin.
 */
export function refusalOfPage(headers: IncomingHttpHeaders, { origins, hosts }: WebPageRules): string | undefined {
  const { host = '' } = headers
  const name = hostNameOf(host)
  if (!isOwnName(name, hosts)) return `this broker is not called ${host}; --allow-host NAME allows a name`
  // The older name is that of RFC 6455's draft 8, which the package ws takes, too.
  const origin = headers.origin ?? headers['sec-websocket-origin']
  if (origin === undefined || origins.includes(String(origin))) return undefined
  const page = pageHost(String(origin))
  if (page !== undefined && (page === name || isLoopback(page))) return undefined
  return `a web page of ${origin}; --allow-origin ORIGIN allows one`
}

/**
 * The rules that options give, in the form in which browsers send them.
 *
 * @throws {PersistError} ERR_PERSIST_OPTION: an origin is none
 */
export function webPageRules(origins: readonly string[], hosts: readonly string[]): WebPageRules {
  return { origins: origins.map(sentOrigin), hosts: hosts.map((host) => host.toLowerCase()) }
}

function sentOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (origin !== 'null') return origin
  // Pages of apps: capacitor://localhost.
  if (/^[a-z][a-z\d+.-]*:\/\/[^/?#]+$/.test(text)) return text
  throw new PersistError(
    'ERR_PERSIST_OPTION',
    `${text} is no origin of web pages. It must be like https://home.example.`,
  )
}

function pageHost(origin: string): string | undefined {
  return /^https?:/.test(origin) && URL.canParse(origin) ? hostNameOf(new URL(origin).host) : undefined
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}
