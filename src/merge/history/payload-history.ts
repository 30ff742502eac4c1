import { Recent } from './recent.ts'

/**
 * A number that stands for a payload, in 53 bits: two multiplicative hashes of 32 bits, after FNV-1a.
 *
 * Only used to recognise one of the last own payloads; it needs no defence against somebody who looks for collisions.
 */
export function fingerprint(bytes: Uint8Array): number {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  // Four bytes at a time, and by index: this runs over every payload that is saved. Words begin where they are aligned.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2)
  const mix = (part: number) => {
    low = Math.imul(low ^ part, 0x01000193)
    high = Math.imul(high ^ part, 0x85ebca6b)
    // Multiplying carries upwards only: without this, the upper bits of a word would never reach the lower ones.
    low ^= low >>> 15
    high ^= high >>> 13
  }
  for (let index = 0; index < words.length; index++) mix(words[index] as number)
  for (let index = words.length * 4; index < bytes.length; index++) mix(bytes[index] as number)
  mix(bytes.length)
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

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
