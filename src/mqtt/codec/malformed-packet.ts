/** MQTT 5, 2.4: what a client may say in DISCONNECT of a packet that it cannot take. */
export const MALFORMED = 0x81
export const PROTOCOL_ERROR = 0x82
export const TOPIC_ALIAS_INVALID = 0x94

/** What came is not MQTT, or nothing that a server may send. The message says what was wrong, and names the clause. */
export class MalformedPacket extends Error {
  /** What to say in DISCONNECT, which has a reason code in MQTT 5 only (3.14.2.1). */
  readonly reasonCode: number

  constructor(reasonCode: number, message: string) {
    super(message)
    this.reasonCode = reasonCode
  }
}
