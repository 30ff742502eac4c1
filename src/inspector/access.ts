import { randomBytes } from 'node:crypto'
import { hostNameOf, isOwnName } from '../node/host-name.ts'
import { sameSecret } from '../node/same-secret.ts'
import { delay } from '../runtime/promises.ts'

/** Who may use the inspector. */
export interface AccessOptions {
  /** What users type; undefined: the token in the printed address lets them in. */
  readonly password: string | undefined
  /** Names of this machine in the network that may be in the Host header, beside localhost and addresses. */
  readonly names: readonly string[]
  readonly isSecure: boolean
}

/** How long a wrong password takes, in milliseconds. Passwords are checked one by one, so that guessing takes for ever. */
const WRONG_MS = 1000
const COOKIE_ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Strict'

/**
 * Lets in only browsers with the token or the password, and no other web pages in the same browser.
 *
 * Against DNS rebinding, the Host header must be an address or a known name: only names can be rebound. Against
 * cross-site request forgery, the Origin header must be this server.
 */
export class Access {
  /** The token in the printed address. */
  readonly token: string = randomBytes(24).toString('base64url')
  readonly #session = randomBytes(24).toString('base64url')
  readonly #options: AccessOptions
  #tries: Promise<unknown> = Promise.resolve()

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

  /** Has this browser been let in before? */
  isKnown(request: Request): boolean {
    const cookies = (request.headers.get('cookie') ?? '').split(/; */)
    const name = this.#cookieName(request)
    return cookies.some(
      (cookie) => cookie.startsWith(`${name}=`) && sameSecret(cookie.slice(name.length + 1), this.#session),
    )
  }

  /** Is this the token? */
  opens(token: string): boolean {
    return !this.hasPassword && sameSecret(token, this.token)
  }

  /** Is this the password? */
  async isPassword(password: string): Promise<boolean> {
    const { password: wanted } = this.#options
    if (wanted === undefined) return false
    const turn = this.#tries.then(async () => {
      if (sameSecret(password, wanted)) return true
      await delay(WRONG_MS)
      return false
    })
    this.#tries = turn
    return turn
  }

  /** The Set-Cookie header that lets this browser in from now on. */
  cookie(request: Request): string {
    const attributes = COOKIE_ATTRIBUTES + (this.#options.isSecure ? '; Secure' : '')
    return `${this.#cookieName(request)}=${this.#session}; ${attributes}`
  }

  /**
   * With the port in it: cookies do not distinguish ports (RFC 6265, 8.5), and several inspectors may run on one
   * machine.
   */
  #cookieName(request: Request): string {
    const port = /:(\d+)$/.exec(request.headers.get('host') ?? '')?.[1] ?? '0'
    return `persist-mqtt-${port}`
  }
}
