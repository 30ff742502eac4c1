import { fingerprint } from '../../format/fingerprint.ts'
import { Recent } from './recent.ts'

/** A broker that was killed comes back with what it last had on disk: some saves ago, not some thousand. */
const KEPT = 8192

export type PayloadKind = 'last' | 'older' | 'sent' | 'stray' | 'unknown'

/** The last payloads of a store, to tell an older one of its own from somebody else's new one. */
export class PayloadHistory {
  readonly #prints = new Recent<number, true>(KEPT)
  readonly #unsure = new Set<number>()
  /** What was sent and not answered before something newer was confirmed: it may still arrive. */
  readonly #strays = new Recent<number, true>(KEPT)
  #last: number | undefined

  /** It is on its way; whether it arrives is not known. Returns its fingerprint, for `confirmed`. */
  sent(bytes: Uint8Array): number {
    const print = fingerprint(bytes)
    // Sent twice, it may arrive twice.
    if (this.#unsure.has(print)) this.#strays.set(print, true)
    this.#unsure.add(print)
    return print
  }

  /** The backend holds what was sent, or did so: whatever was sent before it, arrived or not, is older. */
  confirmed(sent: number, isHeld = true): void {
    this.#unsure.delete(sent)
    for (const print of this.#unsure) {
      this.#prints.set(print, true)
      this.#strays.set(print, true)
    }
    this.#unsure.clear()
    if (isHeld) this.#last = sent
    this.#prints.set(sent, true)
  }

  /** The backend holds this, whoever wrote it. */
  seen(bytes: Uint8Array): void {
    this.#last = fingerprint(bytes)
    this.#prints.set(this.#last, true)
  }

  /**
   * 'last' seen, 'older' than that, 'sent' and unconfirmed, 'stray': sent and never answered before that, or 'unknown':
   * somebody else's.
   */
  kindOf(bytes: Uint8Array): PayloadKind {
    const print = fingerprint(bytes)
    if (print === this.#last) return 'last'
    if (this.#unsure.has(print)) return 'sent'
    if (this.#strays.has(print)) return 'stray'
    return this.#prints.has(print) ? 'older' : 'unknown'
  }
}
