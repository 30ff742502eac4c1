import { randomBytes } from 'node:crypto'
import { hostNameOf, isOwnName } from '../node/host-name.ts'
import { sameSecret } from '../node/same-secret.ts'
import { Guesses } from './guesses.ts'

/** Who may use the inspector. */
export interface AccessOptions {
  /** What users type; undefined: the token in the printed address lets them in. */
  readonly password: string | undefined
  /** Names of this machine in the network that may be in the Host header, beside localhost and addresses. */
  readonly names: readonly string[]
  readonly isSecure: boolean
}

const COOKIE = 'persist-mqtt'

/**
 * Lets in only browsers with the token or the password, and no other web pages in the same browser.
 *
 * Against DNS rebinding, the Host header must be an address or a known name: only names can be rebound. Against
 * cross-site request forgery, the Origin header must be this server. Browsers send a cookie to every port of its host
 * (RFC 6265, 8.5), so it is one for a path that no other server knows, below which everything is.
 */
export class Access {
  /** The token in the printed address. */
  readonly token: string = randomBytes(24).toString('base64url')
  /** The path of the page, a new one at every start. */
  readonly path: string = `/${randomBytes(18).toString('base64url')}/`
  readonly #session = randomBytes(24).toString('base64url')
  readonly #options: AccessOptions
  readonly #guesses = new Guesses()

  constructor(options: AccessOptions) {
    this.#options = options
  }

  get hasPassword(): boolean {
    return this.#options.password !== undefined
  }

  /** Why a request is refused even with the token or the password; undefined: it is not. */
  strange(request: Request): string | undefined {
    const host = request.headers.get('host') ?? ''
    if (!isOwnName(hostNameOf(host), this.#options.names)) {
      return `This inspector is not called ${host}. Start it with --allow-host NAME for a name of this machine.`
    }
    const origin = request.headers.get('origin')
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (origin === null ? !isRead : origin !== `${this.#options.isSecure ? 'https' : 'http'}://${host}`) {
      return 'This request comes from another page.'
    }
    // Fetch Metadata Request Headers: a click on a link in another page is a navigation, and may be cross-site.
    const site = request.headers.get('sec-fetch-site')
    const isOurs = site === null || site === 'same-origin' || site === 'none'
    if (!isOurs && request.headers.get('sec-fetch-mode') !== 'navigate') return 'This request comes from another page.'
    return undefined
  }

  /** Has this browser been let in before? Only where it asks for something below the path. */
  isKnown(request: Request): boolean {
    if (!new URL(request.url).pathname.startsWith(this.path)) return false
    const cookies = (request.headers.get('cookie') ?? '').split(/; */)
    return cookies.some(
      (cookie) => cookie.startsWith(`${COOKIE}=`) && sameSecret(cookie.slice(COOKIE.length + 1), this.#session),
    )
  }

  /** Is this the token? */
  opens(token: string): boolean {
    return !this.hasPassword && sameSecret(token, this.token)
  }

  /**
   * Is this the password? `undefined`: it was not looked at, since too many are tried from this address.
   *
   * @param address of whoever asks
   * @param gone aborted when whoever asks has gone
   */
  async isPassword(password: string, address: string, gone: AbortSignal): Promise<boolean | undefined> {
    const { password: wanted } = this.#options
    return wanted === undefined ? false : this.#guesses.check(address, gone, () => sameSecret(password, wanted))
  }

  /** The Set-Cookie header that lets a browser in from now on. */
  cookie(): string {
    const attributes = `Path=${this.path}; HttpOnly; SameSite=Strict${this.#options.isSecure ? '; Secure' : ''}`
    return `${COOKIE}=${this.#session}; ${attributes}`
  }
}
