import { encodeText } from './bytes.ts'

/** A Tasmota device silently drops packets over 1200 bytes; this is what is left of one for the pool. */
export function deviceLimit(topic: string): number {
  return 1195 - encodeText(topic).length
}
