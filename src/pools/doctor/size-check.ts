import type { ServerLimits } from '../../mqtt/server-limits.ts'
import { within } from '../../runtime/promises.ts'
import { type Check, failed, ok } from './check.ts'
import { limitFor } from './probe.ts'

/** Sizes of pools that are tried, in bytes, small ones first; the last is more than any pool needs. */
const SIZES: readonly [bytes: number, name: string][] = [
  [1024, '1 KB'],
  [65_536, '64 KB'],
  [2 ** 20, '1 MB'],
  [16 * 2 ** 20, '16 MB'],
]
/** A broker that takes no pool of so many bytes is not what its users expect. */
const ENOUGH_BYTES = 65_536
const ADVICE = 'Raise message_size_limit and max_packet_size in mosquitto.conf, if pools are to be that large.'

/** What the broker itself says of sizes (MQTT 5, 3.2.2.3.6). */
export function declaredSizeCheck({ maximumPacketSize }: ServerLimits): Check {
  const hasLimit = Number.isFinite(maximumPacketSize)
  if (maximumPacketSize < ENOUGH_BYTES) {
    return failed('size', `the broker takes packets of at most ${maximumPacketSize} bytes`, ADVICE)
  }
  const seen = hasLimit ? `the broker takes packets of up to ${maximumPacketSize} bytes` : 'the broker names no limit'
  return ok('size', `${seen}; which pools it keeps, persist-mqtt doctor --size tries`)
}

/**
 * Which sizes of pools does the broker keep?
 *
 * @param holds publishes a pool of so many bytes; resolves with whether it was kept
 * @param onSize called before each
 */
export async function triedSizeCheck(
  holds: (bytes: number) => Promise<boolean>,
  onSize: (size: string) => void,
): Promise<Check> {
  let largest = 'nothing'
  for (const [bytes, name] of SIZES) {
    const limitMs = 2 * limitFor(bytes)
    onSize(name)
    const isHeld = await within(holds(bytes), limitMs, () => new Error('late')).catch(() => false)
    if (!isHeld) {
      const seen =
        largest === 'nothing' ? `a pool of ${name} is not kept` : `a pool of ${largest} is kept, one of ${name} is not`
      return bytes > ENOUGH_BYTES ? ok('size', seen) : failed('size', seen, ADVICE)
    }
    largest = name
  }
  return ok('size', `a pool of ${largest} is kept`)
}
