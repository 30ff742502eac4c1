interface Queue {
  messages: number
  bytes: number
}

interface Queued {
  readonly payload?: string | Uint8Array
}

/** The part of Aedes' persistence that keeps what sessions have not acknowledged. */
export interface SessionStore {
  outgoingEnqueueCombi(subscribers: readonly { clientId: string }[], packet: Queued): Promise<void>
  outgoingClearMessageId(client: { id: string }, packet: object): Promise<Queued | undefined>
}

/** As many as Mosquitto keeps: each one that is acknowledged is looked for among all. */
const MOST_MESSAGES = 1000

/** Keeps the queues of sessions short, which Aedes lets grow for as long as their clients are away. */
export function limitSessions(persistence: SessionStore, maxBytes: number): void {
  const queues = new Map<string, Queue>()
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence)
  const clear = persistence.outgoingClearMessageId.bind(persistence)
  persistence.outgoingEnqueueCombi = (subscribers, packet) => {
    const bytes = packet.payload?.length ?? 0
    const taking = subscribers.filter(({ clientId }) => {
      const queue = queues.get(clientId) ?? { messages: 0, bytes: 0 }
      if (queue.messages > 0 && (queue.messages >= MOST_MESSAGES || queue.bytes + bytes > maxBytes)) return false
      queues.set(clientId, { messages: queue.messages + 1, bytes: queue.bytes + bytes })
      return true
    })
    return enqueue(taking, packet)
  }
  persistence.outgoingClearMessageId = async (client, packet) => {
    const cleared = await clear(client, packet)
    const queue = queues.get(client.id)
    if (cleared === undefined || queue === undefined) return cleared
    queue.messages -= 1
    // At QoS 2 a PUBREL, which has no payload, takes the message's place: what it had is given back with the last one.
    queue.bytes -= cleared.payload?.length ?? 0
    if (queue.messages === 0) queues.delete(client.id)
    return cleared
  }
}
