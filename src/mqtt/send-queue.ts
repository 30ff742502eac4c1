import { encodePuback } from './codec/encode.ts'
import { joined } from './transport/joined.ts'

/** So many bytes are copied into one piece; of longer ones each is written as it is, in bytes. */
const COPY_LIMIT_BYTES = 65_536

/** After the input that is being read now, and whatever it leads to. */
const afterInput: (step: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : queueMicrotask

/**
 * What is on its way out. A write costs more than all the rest of a small packet, so whatever is sent in one tick goes
 * out as one; and acknowledgements go with what is sent next, or after the input.
 */
export class SendQueue {
  /** Said since input came last. */
  hasSentSinceInput = false
  #parts: Uint8Array[] = []
  #pubacks: Uint8Array[] = []
  #isFlushDue = false
  #isInputDue = false
  #send: ((parts: readonly Uint8Array[]) => void) | undefined
  readonly #onInputOver: () => void

  /** @param onInputOver called when input was read, and what it led to has been sent */
  constructor(onInputOver: () => void) {
    this.#onInputOver = onInputOver
  }

  /** From now on it can be sent. */
  open(send: (parts: readonly Uint8Array[]) => void): void {
    this.#send = send
    this.flush()
  }

  /** Nothing goes out any more. */
  close(): void {
    this.#send = undefined
    this.#parts = []
    this.#pubacks = []
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    queueMicrotask(() => this.flush())
  }

  /** [MQTT-4.6.0-2]: in the order in which the messages came. */
  acknowledge(packetId: number): void {
    this.#pubacks.push(encodePuback(packetId))
  }

  /** Input has come, which may go on. */
  input(): void {
    this.hasSentSinceInput = false
    if (this.#isInputDue) return
    this.#isInputDue = true
    afterInput(() => {
      this.#isInputDue = false
      if (this.#pubacks.length > 0) this.flush()
      this.#onInputOver()
    })
  }

  flush(): void {
    if (this.#send === undefined) return
    this.#isFlushDue = false
    const parts = this.#pubacks.length > 0 ? [...this.#pubacks, ...this.#parts] : this.#parts
    if (parts.length === 0) return
    this.#parts = []
    this.#pubacks = []
    this.hasSentSinceInput = true
    const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0)
    this.#send(sizeBytes <= COPY_LIMIT_BYTES ? [joined(parts)] : parts)
  }
}
