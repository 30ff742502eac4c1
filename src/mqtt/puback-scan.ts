const PUBACK = 4

/**
 * Reads the reason codes of PUBACKs from what a broker sends, beside the parser of MQTT.js.
 *
 * Mosquitto 2.0 refuses what is over its `message_size_limit` with 0x95, which the standard does not have for PUBACK
 * (MQTT 5, 3.4.2.1). The parser gives up on it; here one still sees what was said.
 */
export class PubackScan {
  /** The reason code of the last packet, if that was a PUBACK with one that is a failure. */
  refusal: number | undefined
  #type = 0
  #inLength = false
  #length = 0
  #shift = 0
  #left = 0
  #body: number[] = []

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      const byte = chunk[at] as number
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left)
        // Packet id and reason code are the first three bytes; the bodies of other packets are only skipped.
        for (let i = at; this.#type === PUBACK && i < end && this.#body.length < 3; i++) {
          this.#body.push(chunk[i] as number)
        }
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#ended()
      } else if (this.#inLength) {
        at += 1
        this.#readLength(byte)
      } else {
        at += 1
        this.#type = byte >> 4
        this.#inLength = true
        this.#length = this.#shift = 0
        this.#body = []
      }
    }
  }

  /** The remaining length: seven bits a byte, the lowest first (MQTT 5, 1.5.5). */
  #readLength(byte: number): void {
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if (byte & 0x80) return
    this.#inLength = false
    this.#left = this.#length
    if (this.#left === 0) this.#ended()
  }

  #ended(): void {
    const code = this.#type === PUBACK ? this.#body[2] : undefined
    this.refusal = code !== undefined && code >= 0x80 ? code : undefined
  }
}
