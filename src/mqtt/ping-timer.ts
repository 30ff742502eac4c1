import { unref } from '../runtime/keep-alive.ts'

interface Pings {
  ping(): void
  /** The other side has not been heard for so long that it is gone. */
  silent(): void
}

/** Looks every half keep alive whether both sides have been heard (MQTT 5, 3.1.2.10). */
export class PingTimer {
  readonly #pings: Pings
  #timer: ReturnType<typeof setInterval> | undefined
  /** Half keep alives that are over since something was sent, and since something came. */
  #sinceSent = 0
  #sinceHeard = 0

  constructor(pings: Pings) {
    this.#pings = pings
  }

  start(keepAliveSeconds: number): void {
    this.#timer = setInterval(() => this.#tick(), keepAliveSeconds * 500)
    unref(this.#timer)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  sent(): void {
    this.#sinceSent = 0
  }

  heard(): void {
    this.#sinceHeard = 0
  }

  #tick(): void {
    this.#sinceSent += 1
    this.#sinceHeard += 1
    // Asked after one, so the answer has had another two.
    if (this.#sinceHeard > 3) this.#pings.silent()
    else if (this.#sinceSent > 1 || this.#sinceHeard > 1) this.#pings.ping()
  }
}
