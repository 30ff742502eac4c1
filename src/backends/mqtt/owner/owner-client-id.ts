/**
 * The client id with which every program that opens this pool to own it comes first, so that the broker ends the
 * connection of the one before. 23 characters: more need not be taken [MQTT-3.1.3-5].
 */
export function ownerClientId(topic: string): string {
  return `persist-mqtt-${fnv1a(topic).toString(16).padStart(16, '0').slice(-10)}`
}

/** FNV-1a with 64 bits: a page without https has no hash of its own, and nobody is to be kept out by this one. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash
}
