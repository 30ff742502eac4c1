/**
 * A number that stands for a payload: FNV-1a with 32 bits, twice from different starts, in 53 bits.
 *
 * Only used to recognise one of the last own payloads; it needs no defence against somebody who looks for collisions.
 */
export function fingerprint(bytes: Uint8Array): number {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x85ebca6b)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

/** A broker that was killed comes back with what it last had on disk: some saves ago, not some thousand. */
const KEPT = 4096

/** The last payloads that a store has confirmed, to tell an older one of its own from somebody else's new one. */
export class PayloadHistory {
  readonly #prints = new Set<number>()
  #last: number | undefined

  add(print: number): void {
    this.#prints.delete(print)
    this.#prints.add(print)
    this.#last = print
    if (this.#prints.size > KEPT) this.#prints.delete(this.#prints.values().next().value as number)
  }

  /** Is this one of ours, but not the last? */
  hasOlder(bytes: Uint8Array): boolean {
    const print = fingerprint(bytes)
    return print !== this.#last && this.#prints.has(print)
  }
}
