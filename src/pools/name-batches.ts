import { encodeText } from '../format/bytes.ts'
import type { PoolTopics } from './pool-topics.ts'

/** How many pools are asked for by name at once: their messages fit every broker's queue. */
export const BY_NAME = 100

/** The names of pools, in batches: the filters of each fit one SUBSCRIBE (MQTT 5, 3.8), beside that of a fence. */
export function* nameBatches(
  topics: PoolTopics,
  names: readonly string[],
  maximumPacketSize: number,
): Generator<string[]> {
  const room = maximumPacketSize - 2 * encodeText(topics.fence).length
  let batch: string[] = []
  let bytes = 0
  for (const name of names) {
    const filters = topics.filters([name])
    // Each has its length before it, in two bytes, and an option after it.
    const size = encodeText(filters.join('')).length + 3 * filters.length
    if (batch.length === BY_NAME || (batch.length > 0 && bytes + size > room)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(name)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
