import type { Listing } from '../pools/listing.ts'
import { counted } from './print.ts'

/** What to tell about a listing that may not have every pool; undefined: it has. */
export function completeness({ count, isComplete, missing }: Listing, place: string): string | undefined {
  if (isComplete === 'no') {
    return (
      `Not complete: ${place} has dropped ${counted(missing, 'message')} on the way here. ` +
      'Set max_queued_messages 0 in mosquitto.conf, or name the pools.'
    )
  }
  if (isComplete === 'unknown') {
    return (
      `It may not be complete: ${place} does not let this user see whether everything has come. ` +
      'Give it read and write permission on stat/persist-mqtt/PersistMQTT/fence/#, or name the pools.'
    )
  }
  if (count === 0) {
    return `No pool was found at ${place}. Some brokers (RabbitMQ) tell about pools only by name: persist-mqtt ls NAME`
  }
  return undefined
}
