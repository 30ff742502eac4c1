import { sameBytes } from '../../../format/bytes.ts'

/** So many answers an owner remembers, for editors that ask again because an answer did not reach them. */
const LIMIT = 1024
/** How much it remembers in all, in bytes: requests and answers may be as large as a pool. */
const LIMIT_BYTES = 4 * 2 ** 20

interface Remembered {
  readonly request: Uint8Array
  readonly answer: Promise<Uint8Array>
  sizeBytes: number
}

/** The answers to requests that editors may send again. */
export class AnsweredRequests {
  readonly #byKey = new Map<string, Remembered>()
  #sizeBytes = 0

  /** The answer to that very request; another one under the same key is no repetition. */
  of(key: string, request: Uint8Array): Promise<Uint8Array> | undefined {
    const found = this.#byKey.get(key)
    return found !== undefined && sameBytes(found.request, request) ? found.answer : undefined
  }

  remember(key: string, request: Uint8Array, answer: Promise<Uint8Array>): void {
    this.#forget(key)
    const remembered = { request, answer, sizeBytes: 0 }
    this.#byKey.set(key, remembered)
    this.#add(remembered, 2 * key.length + request.length)
    void answer.then(({ length }) => {
      if (this.#byKey.get(key) === remembered) this.#add(remembered, length)
    })
  }

  #add(remembered: Remembered, sizeBytes: number): void {
    remembered.sizeBytes += sizeBytes
    this.#sizeBytes += sizeBytes
    for (const key of this.#byKey.keys()) {
      if (this.#byKey.size <= LIMIT && this.#sizeBytes <= LIMIT_BYTES) return
      this.#forget(key)
    }
  }

  #forget(key: string): void {
    this.#sizeBytes -= this.#byKey.get(key)?.sizeBytes ?? 0
    this.#byKey.delete(key)
  }
}
