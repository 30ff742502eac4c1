/**
 * A number that stands for a payload: FNV-1a with 32 bits, twice with different constants, in 53 bits.
 *
 * Only used to recognise one of the last own payloads; it needs no defence against somebody who looks for collisions.
 */
export function fingerprint(bytes: Uint8Array): number {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  // By index: an iterator over bytes takes four times as long, and this runs over every payload.
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x85ebca6b)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

/** A broker that was killed comes back with what it last had on disk: some saves ago, not some thousand. */
const KEPT = 4096

/** The last payloads of a store, to tell an older one of its own from somebody else's new one. */
export class PayloadHistory {
  readonly #prints = new Set<number>()
  readonly #unsure = new Set<number>()
  #last: number | undefined

  /** It is on its way; whether it arrives is not known. */
  sent(bytes: Uint8Array): void {
    this.#unsure.add(fingerprint(bytes))
  }

  /** The backend holds this, and we wrote it: whatever was sent before it, arrived or not, is older. */
  confirmed(bytes: Uint8Array): void {
    for (const print of this.#unsure) this.#remember(print)
    this.#unsure.clear()
    this.seen(bytes)
  }

  /** The backend holds this, whoever wrote it. */
  seen(bytes: Uint8Array): void {
    this.#last = fingerprint(bytes)
    this.#remember(this.#last)
  }

  /** 'last' seen, 'older' than that, 'sent' and unconfirmed, or 'unknown': somebody else's. */
  kindOf(bytes: Uint8Array): 'last' | 'older' | 'sent' | 'unknown' {
    const print = fingerprint(bytes)
    if (print === this.#last) return 'last'
    if (this.#unsure.has(print)) return 'sent'
    return this.#prints.has(print) ? 'older' : 'unknown'
  }

  #remember(print: number): void {
    this.#prints.delete(print)
    this.#prints.add(print)
    if (this.#prints.size > KEPT) this.#prints.delete(this.#prints.values().next().value as number)
  }
}
