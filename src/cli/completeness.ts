import type { Listing } from '../pools/listing.ts'
import { counted } from './print.ts'

const QUEUE = 'Set max_queued_messages 0 in mosquitto.conf'

const REASONS = {
  fence:
    'does not let this user see whether everything has come. Give it read and write permission on ' +
    'stat/persist-mqtt/PersistMQTT/fence/#',
  dropped: `has dropped messages meanwhile, perhaps of others. ${QUEUE}`,
  levels:
    'does not let this user list names of several levels, like house/garage. Give it read permission on ' +
    'stat/+/+/PersistMQTT, and on the same with up to four +',
  wildcard: 'tells about pools only by name, or keeps nothing (RabbitMQ tells wildcards of nothing that is retained)',
  silent: `does not say whether it has dropped messages. ${QUEUE}, and let this user read $SYS/#`,
} as const

/** A warning about a listing that may lack pools; undefined: it is complete. */
export function completeness({ count, isComplete, missing, why }: Listing, place: string): string | undefined {
  if (isComplete === 'no') {
    return `Not complete: ${place} has dropped ${counted(missing, 'message')} on the way here. ${QUEUE}, or name the pools.`
  }
  if (isComplete === 'unknown' && why !== undefined)
    return `It may not be complete: ${place} ${REASONS[why]}, or name the pools.`
  return count === 0 ? `No pool was found at ${place}.` : undefined
}
