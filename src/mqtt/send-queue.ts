import { encodePuback } from './codec/encode.ts'
import { joined } from './transport/joined.ts'

/** So many bytes are copied into one piece; of longer ones each is written as it is, in bytes. */
const COPY_LIMIT_BYTES = 65_536

/** From here on what can wait does, in bytes: enough for the system to be busy until it is asked again. */
const FULL_BYTES = 1_048_576

const { nextTick } = globalThis.process ?? {}

/** After what the input that is being read now leads to: Node runs a tick when it has no microtask left. */
const afterOwnInput = (step: () => void) => queueMicrotask(nextTick === undefined ? step : () => nextTick(step))

/** After all input that there is now. */
const afterAllInput: (step: () => void) => unknown = typeof setImmediate === 'function' ? setImmediate : setTimeout

export interface QueueListener {
  /** Input was read, and nothing was sent on it. */
  quiet(): void
  /** It may not be full any more. */
  room(): void
}

/**
 * What is on its way out. A write costs more than all the rest of a small packet, so whatever is sent in one tick goes
 * out as one; and acknowledgements go with what is sent next, or after the input.
 */
export class SendQueue {
  #parts: Uint8Array[] = []
  #sizeBytes = 0
  #pubacks: Uint8Array[] = []
  #isFlushDue = false
  #isInputDue = false
  #send: ((parts: readonly Uint8Array[]) => boolean) | undefined
  /** Whether the transport takes more. */
  #hasRoom = true
  #isClosed = false
  #isQuiet = false
  #isQuietDue = false
  readonly #listener: QueueListener

  constructor(listener: QueueListener) {
    this.#listener = listener
  }

  /** Whatever can wait is to wait elsewhere, so that not all of it is here twice. */
  get isFull(): boolean {
    return !this.#hasRoom || this.#sizeBytes >= FULL_BYTES
  }

  /**
   * From now on it can be sent.
   *
   * @param send returns whether more may follow now; if not, `drained()` is to be called
   */
  open(send: (parts: readonly Uint8Array[]) => boolean): void {
    this.#send = send
    this.flush()
  }

  /** More may follow. */
  drained(): void {
    this.#hasRoom = true
    this.#listener.room()
  }

  /** Nothing goes out any more. */
  close(): void {
    this.#isClosed = true
    this.#send = undefined
    this.#parts = []
    this.#pubacks = []
  }

  add(bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#parts.push(bytes)
    this.#sizeBytes += bytes.length
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
    this.#isQuiet = true
    if (this.#isInputDue) return
    this.#isInputDue = true
    afterOwnInput(() => {
      this.#isInputDue = false
      if (this.#pubacks.length > 0) this.flush()
      else if (this.#isQuiet) this.#quietSoon()
    })
  }

  flush(): void {
    if (this.#send === undefined) return
    this.#isFlushDue = false
    const parts = this.#pubacks.length > 0 ? [...this.#pubacks, ...this.#parts] : this.#parts
    if (parts.length === 0) return
    const isShort = this.#sizeBytes <= COPY_LIMIT_BYTES
    this.#parts = []
    this.#sizeBytes = 0
    this.#pubacks = []
    this.#isQuiet = false
    this.#hasRoom = this.#send(isShort ? [joined(parts)] : parts)
    if (this.#hasRoom) this.#listener.room()
  }

  #quietSoon(): void {
    if (this.#isQuietDue) return
    this.#isQuietDue = true
    afterAllInput(() => {
      this.#isQuietDue = false
      if (this.#isQuiet) this.#listener.quiet()
    })
  }
}
