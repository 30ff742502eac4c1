import { fingerprint } from '../../../format/fingerprint.ts'

/** So many answers an owner remembers, for editors that ask again because an answer did not reach them in time. */
const LIMIT = 8192
/** How much it remembers in all, in bytes: ids and answers may be long. */
const LIMIT_BYTES = 4 * 2 ** 20

interface Remembered {
  /** Stands for the request, which may be a part of much more that came with it. */
  readonly print: number
  readonly answer: Promise<Uint8Array>
}

/** The answers to requests that editors may send again. */
export class AnsweredRequests {
  /** Never forgotten before they are answered: they would be done twice. */
  readonly #doing = new Map<string, Remembered>()
  /** By key, the one that was answered first comes first. */
  readonly #done = new Map<string, Remembered & { readonly sizeBytes: number }>()
  #sizeBytes = 0

  /** The answer to that very request; another one under the same key is no repetition. */
  of(key: string, request: Uint8Array): Promise<Uint8Array> | undefined {
    const found = this.#doing.get(key) ?? this.#done.get(key)
    return found !== undefined && found.print === fingerprint(request) ? found.answer : undefined
  }

  remember(key: string, request: Uint8Array, answer: Promise<Uint8Array>): void {
    const doing = { print: fingerprint(request), answer }
    this.#forget(key)
    this.#doing.set(key, doing)
    void answer.then(({ length }) => {
      if (this.#doing.get(key) !== doing) return
      this.#doing.delete(key)
      const sizeBytes = 2 * key.length + length
      this.#done.set(key, { ...doing, sizeBytes })
      this.#sizeBytes += sizeBytes
      this.#forgetOldest()
    })
  }

  #forgetOldest(): void {
    for (const key of this.#done.keys()) {
      if (this.#done.size <= LIMIT && this.#sizeBytes <= LIMIT_BYTES) return
      this.#forget(key)
    }
  }

  #forget(key: string): void {
    this.#sizeBytes -= this.#done.get(key)?.sizeBytes ?? 0
    this.#done.delete(key)
  }
}
