import { randomHex } from '../runtime/random-hex.ts'

/** A client id that no other client has: a broker ends the older of two connections with the same one [MQTT-3.1.4-3]. */
export function newClientId(): string {
  return `persist-mqtt-${randomHex(4)}`
}
