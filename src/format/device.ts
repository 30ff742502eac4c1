import { encodeText } from './bytes.ts'

/** The largest pool for a Tasmota device, in bytes: it silently drops packets over 1200 bytes, with topic and header. */
export function deviceLimit(topic: string): number {
  return 1195 - encodeText(topic).length
}
