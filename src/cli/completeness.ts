import type { Listing } from '../pools/listing.ts'
import { counted } from './print.ts'

const QUEUE = 'Set max_queued_messages 0 in mosquitto.conf'

const REASONS = {
  fence:
    'does not let this user see whether everything has come. Give it read and write permission on ' +
    'stat/persist-mqtt/PersistMQTT/fence/#',
  dropped: `has dropped messages meanwhile, perhaps of others. ${QUEUE}`,
  silent: `does not say whether it has dropped messages. ${QUEUE}, and let this user read $SYS/#`,
} as const

/** A warning about a listing that may lack pools; undefined: it is complete. */
export function completeness(
  { count, isComplete, missing, why }: Listing,
  place: string,
  command = 'ls',
): string | undefined {
  if (isComplete === 'no') {
    return `Not complete: ${place} has dropped ${counted(missing, 'message')} on the way here. ${QUEUE}, or name the pools.`
  }
  if (isComplete === 'unknown' && why !== undefined)
    return `It may not be complete: ${place} ${REASONS[why]}, or name the pools.`
  if (count === 0) {
    return `No pool was found at ${place}. Some brokers (RabbitMQ) tell about pools only by name: persist-mqtt ${command} NAME`
  }
  return undefined
}
