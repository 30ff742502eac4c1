import { encodeText } from './bytes.ts'

/** How a device takes a change of its pool over: all that it does before that writes its own variables again. */
export const TAKE_OVER_ADVICE =
  'then cut its power, or send it Restart 99 (any other restart saves first, and undoes the change)'

/** The largest pool for a Tasmota device, in bytes: it silently drops packets over 1200 bytes, with topic and header. */
export function deviceLimit(topic: string): number {
  return 1195 - encodeText(topic).length
}
