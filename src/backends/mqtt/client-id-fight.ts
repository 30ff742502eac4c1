import { LAST_PAUSE_MS } from '../../mqtt/backoff.ts'
import { sameClientIdError } from '../../mqtt/connect-error.ts'
import { type ConnectionFailure, wasClosed, wasTakenOver } from '../../mqtt/failure.ts'
import type { PersistError } from '../../runtime/errors.ts'

/** So many times in a row: that is hardly a coincidence any more. */
const TIMES = 3

/**
 * Recognises that the broker takes another client for this one: each of the two ends the other one's connection when it
 * comes back (MQTT 5, 3.1.4, step 3), for ever. Most brokers do not say so, they just close, as a bad link may.
 */
export class ClientIdFight {
  readonly #storeName: string
  readonly #givenClientId: string | undefined
  readonly #onNews: (error: PersistError) => void
  #times = 0
  #wasClosedSoon = false
  #isTold = false
  #error: PersistError | undefined

  /**
   * @param givenClientId the one that was asked for, which others may have; without, it is a random one
   * @param onNews called once, when it is known
   */
  constructor(storeName: string, givenClientId: string | undefined, onNews: (error: PersistError) => void) {
    this.#storeName = storeName
    this.#givenClientId = givenClientId
    this.#onNews = onNews
  }

  /** Why connections do not last; undefined: they do, as far as is known. */
  get error(): PersistError | undefined {
    return this.#error
  }

  /**
   * A connection that could be used is over.
   *
   * @param lastedMs in milliseconds
   * @param isIdSecret nobody can have the same client id by choice
   */
  lost(failure: ConnectionFailure, lastedMs: number, isIdSecret: boolean): void {
    const hasLasted = lastedMs > LAST_PAUSE_MS
    // The other one would have been back by then.
    if (hasLasted) this.#error = undefined
    if (isIdSecret && wasTakenOver(failure)) this.known()
    this.#wasClosedSoon = !hasLasted && wasClosed(failure)
    if (!this.#wasClosedSoon) this.#times = 0
  }

  /**
   * There is a connection again that can be used.
   *
   * @param isAtOnce the first attempt made it: neither the broker nor the network were away
   * @param hasOtherReason the broker may be closing at what is written
   * @returns whether another client must be made to find out
   */
  back(isAtOnce: boolean, hasOtherReason: boolean): boolean {
    this.#times = this.#wasClosedSoon && isAtOnce && !hasOtherReason ? this.#times + 1 : 0
    if (this.#times < TIMES || this.#error !== undefined) return false
    this.#times = 0
    if (this.#givenClientId === undefined) return true
    this.known()
    return false
  }

  /** It is so. */
  known(): void {
    this.#error ??= sameClientIdError(this.#storeName, this.#givenClientId)
    if (!this.#isTold) this.#onNews(this.#error)
    this.#isTold = true
  }
}
